/** Room: test/support. A fleet's authority that certifies servers' keys, for those who hold such certificates. */
import { hash, X509Certificate } from "node:crypto";
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
} from "../../core/formats/certification-request-encoder.ts";
import type { ServerKey, ServerKeyAlgorithm, ServerMaterial } from "../../core/ports.ts";
import { openFleetApp, testFleet } from "./fleet-app.ts";

export interface MadeServerCertificate {
  readonly material: ServerMaterial;
  readonly serialNumber: string;
  readonly notAfter: number;
}

export interface ServerAuthority {
  certify(key: ServerKey, algorithm: ServerKeyAlgorithm): Promise<MadeServerCertificate>;
  close(): Promise<void>;
}

const rowOf = (algorithm: ServerKeyAlgorithm) => {
  if (algorithm.startsWith("RSA")) return signatureAlgorithms.sha256WithRSAEncryption;
  return signatureAlgorithms[algorithm === "P-256" ? "ecdsa-with-SHA256" : "ecdsa-with-SHA384"];
};

export async function openServerAuthority(): Promise<ServerAuthority> {
  const { app, close } = await openFleetApp();
  return {
    close,
    async certify(key, algorithm) {
      const info = encodeCertificationRequestInfo({
        subject: [],
        subjectPublicKeyInfo: key.publicKey,
        extensions: [],
      });
      const csr = assembleCertificationRequest(info, rowOf(algorithm), await key.sign(info));
      const name = `${hash("sha256", key.publicKey).slice(0, 12)}.example.test`;
      const issued = await issueForDeployment(app, {
        fleet: testFleet,
        subject: { kind: "server", dnsNames: [name], ipAddresses: [] },
        csr,
      });
      const { certificate, chain, serialNumber } = issued;
      const notAfter = new X509Certificate(certificate).validToDate.getTime();
      return { material: { certificate, chain, privateKey: key.privateKey }, serialNumber, notAfter };
    },
  };
}
