/** Room: core. Clocks of machines that serve one fleet differ by less than this many milliseconds. */
export const clockSkewMilliseconds = 5_000;
