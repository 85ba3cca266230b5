import { configDefaults, defineConfig } from "vitest/config";
import { skipReporter } from "./scripts/skip-reporter.ts";

// Where CI wants the counts; see .ci/run.
const report = process.env.GRAFT_TEST_REPORT;

const common = {
  // One process per file keeps the native runtime's threads apart; two fill the two cores CI has.
  pool: "forks",
  // Files of a process share what they import: loading it for each took a quarter of the time.
  isolate: false,
  testTimeout: 60_000,
} as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: report ? ["default", skipReporter(), ["json", { outputFile: report }]] : ["default", skipReporter()],
    projects: [
      {
        test: {
          ...common,
          name: "unit",
          include: ["src/**/*.test.ts", "scripts/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/{browser,cli,package}/**"],
        },
      },
      // The program and the package are tested as users get them: built once, before these tests.
      {
        test: {
          ...common,
          name: "built",
          include: ["test/{browser,cli,package}/**/*.test.ts"],
          globalSetup: "test/build.ts",
        },
      },
    ],
  },
});
