/** Room: scripts. Personal data of nobody, planted by tests wherever callers write; no log may ever show them. */
export const canaries: readonly string[] = [
  "Canaria Serinus",
  "canaria.serinus@example.org",
  "219-09-9999",
  "1961-04-12",
  "Policy 77-CANARY-0042",
];
