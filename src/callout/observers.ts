import type { Observer } from './callout.ts'

/** Several who hear of every request, one after the other. */
export function toEach(...observers: readonly Observer[]): Observer {
  return {
    dropped: (...facts) => observers.forEach((each) => each.dropped(...facts)),
    denied: (...facts) => observers.forEach((each) => each.denied(...facts)),
    admitted: (...facts) => observers.forEach((each) => each.admitted(...facts)),
    resumed: (...facts) => observers.forEach((each) => each.resumed(...facts)),
  }
}
