import type { AccountLimits } from '../domain/account.ts'
import type { Fault } from '../errors.ts'

/** Limits that could keep admins from connecting, or from being heard once they have. */
const BARRING = ['connections', 'subscriptions', 'payload', 'users', 'sessionsPerUser'] as const

/** Limits as commands and documents write them. */
type WrittenLimits = Readonly<Partial<Record<(typeof BARRING)[number], unknown>>>

/** Every limit that the account admins live in does not take: nobody could ask for its end. */
export function adminLimitFaults(account: string, limits: WrittenLimits): readonly Fault[] {
  return BARRING.flatMap((field) =>
    limits[field] === undefined
      ? []
      : [{ where: `limits.${field}`, rule: `account "${account}" carries the system: it cannot be barred` }],
  )
}

export function asWritten({ payloadBytes, ...rest }: AccountLimits): WrittenLimits {
  return { ...rest, payload: payloadBytes }
}
