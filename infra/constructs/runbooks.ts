/** Room: infra. What to do first when an alarm comes. Each id is a heading of docs/deploy.md, which says the rest. */

/** By id: the first step. */
export const runbooks = {
  "function-errors": "Open the function's log group and look for level error since the alarm's time.",
  "function-throttles":
    "Compare ConcurrentExecutions with the function's reserved concurrency and the account's.",
  "api-server-errors":
    "Count the codes of the request lines with status 500 and above in the functions' logs.",
  "signing-failures":
    "Read `code` of the error lines; for key_service_unavailable look at KMS throttling and health.",
  "unfinished-intents":
    "Read the reconciler's intent_not_finished lines: their code says why it cannot finish.",
  "reconciliation-missing":
    "Look for errors of the reconciliation function, then whether its schedule is enabled.",
  "revocations-unpublished":
    "Read the publication function's lines: a revocation came late into its list, or is in none; until then others trust the certificate.",
  "publication-missing":
    "Look for errors of the publication function, then whether its schedule is enabled: lists end a few days after their last signature.",
  "maintenance-missing":
    "Look for errors of the maintenance function, then whether its schedule is enabled: bulk revocations wait for it.",
  "rotation-missing":
    "Look whether the schedule of the rollover function is enabled: nobody enforces cryptoperiods, and lent roots stay lent.",
  "servers-missing":
    "Look whether the schedule of the servers function is enabled: certificates of servers are not renewed, and nobody is told that they end.",
  "safekeeping-missing":
    "Look whether the schedule of the safekeeping function is enabled: what two people decided to destroy is not destroyed.",
  "tasks-failing":
    "Read the error lines of publication, maintenance, rollover and safekeeping: they name the list or the step, and their code says why.",
  "dead-letters":
    "Read the message without deleting it, remove its cause, then start the function once more.",
  "schedule-failures": "Check that the scheduler's role may still invoke the functions of its schedules.",
  "key-watch-failures":
    "A notice about a key was lost: look in CloudTrail for what happened to the keys since, then at the topic's policy.",
  "table-throttles":
    "Compare the consumed capacity of the table in the alarm's name with its account limits; look for one hot key.",
  "domain-certificate":
    "Look the certificate up in ACM: its renewal status says which DNS record is missing.",
  "issuance-failing": "Devices get no certificates: start with the alarms that this one is made of.",
} as const;

export type RunbookId = keyof typeof runbooks;

/** Text of an alarm: CloudWatch passes it on with every notice, so it names no one. */
export function alarmDescription(runbook: RunbookId): string {
  return `${runbooks[runbook]} Runbook: docs/deploy.md, "${runbook}".`;
}
