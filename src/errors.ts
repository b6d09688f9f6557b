/** Every stable error code. Callers switch on `code`; messages are for people and may change. */
export type ErrorCode =
  | 'invalid_request'
  | 'unenforceable'
  | 'no_caller'
  | 'forbidden'
  | 'not_found'
  | 'already_exists'
  | 'revision_conflict'
  | 'policy_missing'
  | 'template_value_missing'
  | 'grant_too_large'
  | 'too_large'
  | 'unavailable'
  | 'invalid_document'
  | 'invalid_configuration'
  | 'invalid_key'
  | 'invalid_token'
  | 'wrong_master_key'
  | 'busy'
  | 'in_use'
  | 'limit_reached'
  | 'server_missing'
  | 'server_failed'

/** One fault in something a person wrote: where it is, and which rule it breaks. Never the value of a secret. */
export interface Fault {
  /** Path of the field (`users[2].name`), a flag, a variable, or `file:line:column field`. */
  readonly where: string
  readonly rule: string
}

/** What Gatehouse throws on purpose. Anything else that is thrown is a fault of ours. */
export class GatehouseError extends Error {
  override readonly name: string = 'GatehouseError'
  readonly code: ErrorCode
  readonly faults: readonly Fault[]

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { readonly faults?: readonly Fault[] } = {},
  ) {
    super(message, options)
    this.code = code
    this.faults = options.faults ?? []
  }
}

/** Two writers met on one key. The loser re-reads, re-decides and tries again. */
export class RevisionConflict extends GatehouseError {
  override readonly name = 'RevisionConflict'

  constructor(message: string, options?: ErrorOptions) {
    super('revision_conflict', message, options)
  }
}
