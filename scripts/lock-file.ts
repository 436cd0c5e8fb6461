/** Room: scripts. package-lock.json as far as its optional platform packages go. */

export interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  packages: Record<string, LockedPackage>;
}

interface Hole {
  readonly name: string;
  readonly version: string;
  readonly dev: boolean;
}

/** Optional dependencies that the lock file names and does not describe. */
export function holes({ packages }: LockFile): readonly Hole[] {
  return Object.values(packages).flatMap(({ dev = false, optionalDependencies = {} }) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => packages[`node_modules/${name}`] === undefined)
      .map(([name, version]) => ({ name, version, dev })),
  );
}

const systems = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "sunos", "win32"];
const processors = ["arm64", "arm", "ia32", "loong64", "ppc64", "riscv64", "s390x", "x64"];

/** The platform in a name such as `@swc/core-linux-arm-gnueabihf`; nothing when the name tells none. */
function platformOf(name: string): Pick<LockedPackage, "os" | "cpu" | "libc"> | undefined {
  const words = name.split(/[/-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) return undefined;
  const libc = words.includes("musl") ? ["musl"] : words.includes("gnu") ? ["glibc"] : undefined;
  return { cpu: [cpu], ...(libc && { libc }), os: [os] };
}

/**
 * Adds an entry for each hole whose platform its name tells, in the order in which npm writes them.
 * Returns their names.
 */
export function completeLockFile(lockFile: LockFile): readonly string[] {
  const filled: string[] = [];
  for (const { name, version, dev } of holes(lockFile)) {
    const platform = platformOf(name);
    // Without a platform npm would install it everywhere; and only an exact version can stand in a lock.
    if (platform === undefined || !/^\d+\.\d+\.\d+/.test(version)) continue;
    const { cpu, libc, os } = platform;
    lockFile.packages[`node_modules/${name}`] = {
      version,
      ...(cpu && { cpu }),
      ...(dev && { dev }),
      ...(libc && { libc }),
      optional: true,
      ...(os && { os }),
    };
    filled.push(name);
  }
  const sorted = Object.entries(lockFile.packages).sort(([left], [right]) => left.localeCompare(right, "en"));
  lockFile.packages = Object.fromEntries(sorted);
  return filled;
}
