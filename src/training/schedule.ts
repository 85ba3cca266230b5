/**
 * Learning-rate factor at a step: linear warm-up, then a half cosine down to 0.
 * @param step         counted from 0
 * @param totalSteps   length of the whole run
 * @param warmupSteps  steps until the factor reaches 1
 * @returns            in [0, 1]
 */
export function warmupCosine(step: number, totalSteps: number, warmupSteps: number): number {
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return 0.5 * (1 + Math.cos(Math.PI * progress));
}
