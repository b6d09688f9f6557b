import { replay, type Decider } from '../../src/domain/decider.ts'
import { GatehouseError, type ErrorCode } from '../../src/errors.ts'

/** When the tests of deciders happen, and a little later. */
export const AT = '2026-01-01T00:00:00.000Z'
export const LATER = '2026-01-02T00:00:00.000Z'

/** `given(…events).when(command)` is what follows; `whenRefused` is the code of the refusal. */
export function specify<State, Command, Event>(decider: Decider<State, Command, Event>) {
  const after = (...events: readonly Event[]): State => replay(decider, events)
  return {
    after,
    given: (...events: readonly Event[]) => ({
      when: (command: Command): readonly Event[] => decider.decide(after(...events), command),
      whenRefused: (command: Command): ErrorCode => refusal(() => decider.decide(after(...events), command)),
    }),
  }
}

function refusal(act: () => unknown): ErrorCode {
  try {
    act()
  } catch (error) {
    if (error instanceof GatehouseError) return error.code
    throw error
  }
  throw new Error('was not refused')
}
