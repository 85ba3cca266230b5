import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // One process per file keeps the native runtime's threads apart; two fill the two cores CI has.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
