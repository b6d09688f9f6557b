/** Facts in, facts out. No clock, no randomness, no I/O: those arrive inside the command. */
export interface Decider<State, Command, Event> {
  readonly initial: State
  /** What follows from the command. Asking for what is already so gives no events. Throws GatehouseError. */
  decide(state: State, command: Command): readonly Event[]
  evolve(state: State, event: Event): State
}

/** The state after these events. */
export function replay<State, Command, Event>(
  decider: Decider<State, Command, Event>,
  events: readonly Event[],
  from = decider.initial,
): State {
  return events.reduce((state, event) => decider.evolve(state, event), from)
}

/** What an aggregate is before its first event. */
export interface Absent {
  readonly status: 'absent'
}

export const ABSENT: Absent = { status: 'absent' }
