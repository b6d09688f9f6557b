/** When a user was last connected, and by what. Times are RFC 3339, UTC; what is absent nobody knows. */
export interface LastSeen {
  readonly active?: string | undefined
  /** By the id of the credential: when it last let somebody in. */
  readonly used: Readonly<Record<string, string>>
}

/** What live sessions, and notes of past ones, say of a user. */
export type UserActivity = (account: string, user: string) => Promise<LastSeen>
