import type { Reporter, TestCase, TestModule } from "vitest/node";

/**
 * A vitest reporter that ends the run with one line on what was skipped and why. The why is the note a test gives:
 * `skip("no Chromium: …")`. With GRAFT_NO_SKIP=1 (in CI) a skipped test fails the run.
 */
export function skipReporter(noSkip = process.env.GRAFT_NO_SKIP === "1"): Reporter {
  return {
    onTestRunEnd(modules) {
      const line = skippedLine(modules.flatMap(({ children }: TestModule) => [...children.allTests("skipped")]));
      if (line === undefined) return;
      console.log(noSkip ? `${line}; GRAFT_NO_SKIP=1 makes that a failure` : line);
      if (noSkip) process.exitCode = 1;
    },
  };
}

function skippedLine(tests: readonly TestCase[]): string | undefined {
  if (tests.length === 0) return undefined;
  const counts = new Map<string, number>();
  for (const test of tests) {
    const result = test.result();
    const why = (result.state === "skipped" && result.note) || `no reason given (${test.module.relativeModuleId})`;
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  const reasons = [...counts].map(([why, count]) => (counts.size === 1 ? why : `${count}: ${why}`));
  return `skipped ${tests.length} ${tests.length === 1 ? "test" : "tests"}: ${reasons.join("; ")}`;
}
