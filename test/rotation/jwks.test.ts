/**
 * Room: test. A hundred authorities follow one another in jwks.json, under clients that keep the set as long as its
 * Cache-Control lets them: whoever verifies a token of any authority that is trusted finds its key.
 */
import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JSONWebKeySet, jwtVerify } from "jose";
import { afterEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { publishTrust } from "../../core/distribution/trust-publication.ts";
import { certifyOwnKey } from "../../core/enrollment/own-key.ts";
import { authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { jwkAlgorithm, jwkThumbprint, publicJwk } from "../../core/formats/jwk.ts";
import { assembleJws, jwsSigningInput } from "../../core/formats/jws.ts";
import type { DeploymentApp } from "../../core/ports.ts";
import {
  type AuthorityState,
  authorityItem,
  fleetItem,
  fleetPartition,
} from "../../core/records/fleet-record.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { rotationStandard } from "../../core/standard/rotation.ts";
import {
  authorityOf,
  trustFleet as fleet,
  openTrustWorld,
  origin,
  type TrustWorld,
} from "../distribution/trust-world.ts";
import { seededRandom } from "../formats/seeded-random.ts";

let world: TrustWorld;
afterEach(() => world.close());

const day = 86_400_000;
const rotations = 100;

async function succeed(app: DeploymentApp, authorityId: string): Promise<void> {
  const issuer = await authorityOf(app, fleet, "root-1");
  const { key, certificate } = await certifyOwnKey(app, {
    fleet,
    alias: `${fleet}-${authorityId}`,
    algorithm: "P-256",
    profile: profiles.issuing,
    identity: { kind: "authority", fleet, authorityId },
    issuer,
    purpose: "authority",
  });
  const record = {
    ...({ fleet, authorityId, kind: "issuing", state: "published", keyId: key.keyId } as const),
    ...({ algorithm: "P-256", certificate, parentId: "root-1", createdAt: app.clock.now() } as const),
  };
  await app.items.transact([{ put: authorityItem(record), when: "absent" }]);
}

async function setState(app: DeploymentApp, authorityId: string, state: AuthorityState): Promise<void> {
  const { record } = await authorityOf(app, fleet, authorityId);
  const { pk, sk } = authorityItem(record);
  const { version } = (await app.items.get({ pk, sk }))!;
  await app.items.transact([{ put: authorityItem({ ...record, state }), when: version }]);
}

/** The successor issues, its predecessor drains, and who drained before is out. */
async function activate(app: DeploymentApp, at: number): Promise<void> {
  const { record, version } = await getFleet(app, fleet);
  await setState(app, `issuing-${at + 1}`, "active");
  await setState(app, `issuing-${at}`, "draining");
  if (at > 1) await setState(app, `issuing-${at - 1}`, "retired");
  const put = fleetItem({ ...record, issuingAuthorityId: `issuing-${at + 1}` });
  await app.items.transact([{ put, when: version }]);
}

/** A token by the key of this authority, as a service of ours would sign it. */
async function tokenOf(app: DeploymentApp, authorityId: string): Promise<string> {
  const { record, publicKey, algorithm } = await authorityOf(app, fleet, authorityId);
  const jwk = publicJwk(publicKey);
  const header = { alg: jwkAlgorithm(algorithm), kid: jwkThumbprint(jwk), typ: "JWT" };
  const input = jwsSigningInput(header, Buffer.from(JSON.stringify({ iss: origin, sub: authorityId })));
  const signature = await app.keys.sign(record.keyId, input);
  return assembleJws(input, authorityAlgorithms[record.algorithm], signature);
}

async function published(): Promise<{ readonly set: JSONWebKeySet; readonly maxAge: number }> {
  const object = await world.app.artifacts.get(`fleets/${fleet}/jwks.json`);
  const maxAge = Number(/max-age=(\d+)/.exec(object?.cacheControl ?? "")?.[1]);
  return { set: JSON.parse(Buffer.from(object!.body).toString()) as JSONWebKeySet, maxAge };
}

/** Keeps the set for as long as it may. */
function cachingClient() {
  let until = 0;
  let keys: ReturnType<typeof createLocalJWKSet>;
  return async (token: string) => {
    if (world.clock.now() >= until) {
      const { set, maxAge } = await published();
      keys = createLocalJWKSet(set);
      until = world.clock.now() + maxAge * 1000;
    }
    return (await jwtVerify(token, keys)).payload.sub;
  };
}

/** jose's own client, which asks again when it does not know a key. */
function remoteClient() {
  let fetched = 0;
  const keys = createRemoteJWKSet(new URL(`${origin}/v1/fleets/${fleet}/jwks.json`), {
    cooldownDuration: 0,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [customFetch]: async () => {
      fetched += 1;
      return Response.json((await published()).set);
    },
  });
  return {
    verify: async (token: string) => (await jwtVerify(token, keys)).payload.sub,
    fetched: () => fetched,
  };
}

describe("jwks.json", () => {
  it("a hundred rotations with caching clients: no token of an authority in the trust fails to verify", async () => {
    world = await openTrustWorld();
    const { app, clock } = world;
    const random = seededRandom(41);
    const clients = Array.from({ length: 10 }, cachingClient);
    const remote = remoteClient();
    expect((await published()).maxAge * 1000).toBeLessThan(
      rotationStandard.rollover.publishedDays.issuing * day,
    );
    let verified = 0;
    const verify = async (authorityId: string): Promise<void> => {
      const token = await tokenOf(app, authorityId);
      for (const each of [random.pick(clients as [(typeof clients)[0]]), remote.verify]) {
        expect(await each(token)).toBe(authorityId);
        verified += 1;
      }
    };
    for (let at = 1; at <= rotations; at += 1) {
      await succeed(app, `issuing-${at + 1}`);
      await publishTrust(app, fleet);
      for (let each = 0; each < 3; each += 1) {
        clock.advance(random.below(600_000));
        await verify(`issuing-${at}`);
        if (at > 1) await verify(`issuing-${at - 1}`);
      }
      // Its days in the trust are over: caches of before are too. A week for each of a hundred would be two years, in
      // which the signer of manifests has an end of its own.
      clock.advance((await published()).maxAge * 1000);
      await activate(app, at);
      // Before the next publication it issues already.
      await verify(`issuing-${at + 1}`);
      await verify(`issuing-${at}`);
      await publishTrust(app, fleet);
      await verify(`issuing-${at + 1}`);
    }
    const { authorities } = await getFleet(app, fleet);
    expect(authorities).toHaveLength(rotations + 2);
    expect((await app.items.query({ pk: fleetPartition(fleet), limit: 1_000 })).items.length).toBeGreaterThan(
      100,
    );
    // The root, the one that issues, the one that drains.
    expect((await published()).set.keys).toHaveLength(3);
    expect(verified).toBe(2 * (rotations * 3 + (rotations - 1) * 3 + rotations * 3));
    // One question for each key that it did not know.
    expect(remote.fetched()).toBeLessThanOrEqual(rotations + 1);
  }, 300_000);
});
