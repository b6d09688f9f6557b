import { DENY_REASONS, DROP_REASONS } from '../../src/callout/reason.ts'
import type { Telemetry } from '../../src/telemetry.ts'

/** Every decision there can be, as the counters name it. */
export const OUTCOMES: readonly string[] = [
  'admitted',
  ...DENY_REASONS.map((reason) => `denied ${reason}`),
  ...DROP_REASONS.map((reason) => `dropped ${reason}`),
]

/** How often each `outcome reason` was counted, those that never were left out. */
export async function countsOf({ metrics }: Telemetry): Promise<ReadonlyMap<string, number>> {
  const metric = await metrics.getSingleMetric('gatehouse_decisions_total')?.get()
  if (metric === undefined) throw new Error('decisions are not counted')
  return new Map(
    metric.values
      .filter(({ value }) => value > 0)
      .map(({ labels, value }) => [`${labels['outcome'] ?? ''} ${labels['reason'] ?? ''}`.trim(), value]),
  )
}

/** What was counted between two looks: a name for each time. */
export function counted(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string[] {
  return [...after].flatMap(([name, n]) => Array<string>(n - (before.get(name) ?? 0)).fill(name))
}
