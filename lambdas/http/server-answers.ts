/** Room: lambdas/http. What answers about certificates of servers look like, for the OpenAPI document and the client. */
import * as z from "zod/mini";
import {
  serverCertificateStates,
  serverKeyAlgorithms,
} from "../../core/records/server-certificate-record.ts";
import { time } from "./answer-schemas.ts";
import { cursor, documented, serialNumber } from "./schemas.ts";

const held = (description: string) => documented(z.string(), { description });

export const serverCertificate = documented(
  z.strictObject({
    name: z.string(),
    state: documented(z.enum(serverCertificateStates), {
      description:
        "requested: the task has yet to make it; current: it is fresh where it is held; drifted: somebody else has replaced it; rolledBack: renewals are held back; removing.",
    }),
    dnsNames: z.array(z.string()),
    keyAlgorithm: z.enum(serverKeyAlgorithms),
    certificateId: z.exactOptional(
      held("Of who holds it, on AWS an ARN. It stays when the certificate is renewed."),
    ),
    serialNumber: z.exactOptional(serialNumber()),
    notAfter: z.exactOptional(time("Last moment of validity.")),
    previous: z.exactOptional(
      documented(
        z.strictObject({
          certificateId: held("Where it is held: another name than the present one's."),
          serialNumber: serialNumber(),
          notAfter: time("Last moment of its validity."),
        }),
        { description: "The generation before, for a rollback: point a listener at it." },
      ),
    ),
    lastFailure: z.exactOptional(held("Code of the last failure.")),
    nextAt: z.exactOptional(time("When the task looks at it again.")),
  }),
  { id: "ServerCertificate" },
);

export const serverCertificatePage = documented(
  z.strictObject({ serverCertificates: z.array(serverCertificate), cursor: z.exactOptional(cursor()) }),
  { id: "ServerCertificatePage" },
);

export type ServerCertificate = z.infer<typeof serverCertificate>;
export type ServerCertificatePage = z.infer<typeof serverCertificatePage>;
