/** Room: cli. What one health check found. */
export interface Finding {
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly remedy?: string;
}

export const ok = (detail: string): Finding => ({ status: "ok", detail });
export const warn = (detail: string, remedy: string): Finding => ({ status: "warn", detail, remedy });
export const fail = (detail: string, remedy: string): Finding => ({ status: "fail", detail, remedy });
