import { setTimeout as pause } from 'node:timers/promises'

/** Waits until the condition gives something other than undefined or false, for at most `ms`. */
export async function eventually<Value>(
  condition: () => Value | undefined | false | Promise<Value | undefined | false>,
  ms = 10_000,
): Promise<Value> {
  const deadline = Date.now() + ms
  for (;;) {
    const value = await condition()
    if (value !== undefined && value !== false) return value
    if (Date.now() > deadline) throw new Error(`did not become so within ${ms} ms: ${condition.toString()}`)
    await pause(10)
  }
}
