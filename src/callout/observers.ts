import type { Observer } from './callout.ts'

/** Two who hear of every request, one after the other. */
export function both(first: Observer, second: Observer): Observer {
  return {
    dropped(...facts) {
      first.dropped(...facts)
      second.dropped(...facts)
    },
    denied(...facts) {
      first.denied(...facts)
      second.denied(...facts)
    },
    admitted(...facts) {
      first.admitted(...facts)
      second.admitted(...facts)
    },
  }
}
