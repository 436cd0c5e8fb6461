import { describe, expect, it } from "vitest";
import { resolveSettings, settingRows } from "../../cli/settings.ts";

const members = {
  url: "url",
  fleet: "fleet",
  ca: "ca",
  cert: "cert",
  key: "key",
  "data-dir": "dataDir",
} as const;
const sample = (flag: keyof typeof members, source: string): string =>
  flag === "url" ? `https://${source}.example` : `${source}-value`;

describe("settings", () => {
  it.each(settingRows)("--$flag beats $variable beats the record beats the default", ({ flag, variable }) => {
    const flags = { [flag]: sample(flag, "flag") };
    const env = { [variable]: sample(flag, "env") };
    const recorded = { [flag]: sample(flag, "recorded") };
    const read = (...sources: Parameters<typeof resolveSettings>) =>
      resolveSettings(...sources)[members[flag]];
    expect(read(flags, env, recorded)).toEqual({ value: sample(flag, "flag"), source: "flag" });
    expect(read({}, env, recorded)).toEqual({ value: sample(flag, "env"), source: "environment" });
    expect(read({}, { [variable]: "" }, recorded)).toEqual({
      value: sample(flag, "recorded"),
      source: "recorded",
    });
    expect(read({}, {}).source).toBe("default");
  });

  it("finds the credentials of a local server in its data directory", () => {
    expect(resolveSettings({ "data-dir": "/srv/$&/fk" }, {})).toMatchObject({
      url: { value: "https://127.0.0.1:8443" },
      fleet: { value: "default" },
      ca: { value: "/srv/$&/fk/bootstrap/root.pem" },
      cert: { value: "/srv/$&/fk/bootstrap/operator.pem" },
      key: { value: "/srv/$&/fk/bootstrap/operator.key" },
    });
  });

  const urls = [
    { url: "https://a.example/", value: "https://a.example" },
    { url: "https://A.example:8443/prefix/", value: "https://a.example:8443/prefix" },
    { url: "https://[::1]:8443", value: "https://[::1]:8443" },
  ];
  it.each(urls)("reads $url as $value", ({ url, value }) => {
    expect(resolveSettings({ url }, {}).url.value).toBe(value);
  });

  it.each([
    "http://a.example",
    "a.example",
    "ftp://a.example",
    "https://u@a.example",
    "https://a.example/?x=1",
    "https://a.example/#x",
  ])("refuses %s", (url) => {
    expect(() => resolveSettings({ url }, {})).toThrow(/URL/);
  });
});
