/** What became of the promise that a session was let in with. */
export type Verdict =
  | {
      readonly is: 'holds'
      /** Ids of the policies that it rests on now, and of the user's roles. */
      readonly policies: readonly string[]
      readonly roles: readonly string[]
    }
  /** Nobody would be let in like this any more. The reason is one of a denial. */
  | { readonly is: 'fell'; readonly reason: string; readonly detail?: string | undefined }
  /** It would be let in, with something else. */
  | { readonly is: 'changed'; readonly detail: string }
  /** The state could not be asked. */
  | { readonly is: 'unknown' }
