/**
 * What replicas tell each other, without storing it: nobody may rely on it to arrive. A teller does not hear itself.
 */
export interface Gossip {
  /** `payload` is what JSON can say, and not large: one message (`max_payload`) holds it. */
  tell(topic: string, payload: unknown): void
  /** Calls with everything that others tell of the topic from now on; `from` is the id of the replica. */
  hear(topic: string, listener: (payload: unknown, from: string) => void): void
}
