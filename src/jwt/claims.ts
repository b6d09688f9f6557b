/**
 * The claims of NATS JWTs (version 2) with their names on the wire, as nats-io/jwt v2 defines them.
 * Times are whole seconds since the epoch, durations nanoseconds, sizes bytes. In limits -1 is unlimited
 * and an omitted field is zero.
 */

/** What every claim carries. `Nats` is the part that depends on the type. */
export interface ClaimsData<Nats> {
  readonly sub: string
  /** The key that signed. */
  readonly iss: string
  readonly jti: string
  readonly iat: number
  readonly aud?: string
  readonly name?: string
  readonly exp?: number
  readonly nbf?: number
  readonly nats: Nats
}

/** Claims before they are signed: the signer decides `iss`, the content decides `jti`. */
export type Unsigned<Claims> = Omit<Claims, 'iss' | 'jti'>

interface Typed<Type extends string> {
  readonly type: Type
  readonly version: 2
  readonly tags?: readonly string[]
}

export interface Permission {
  /** Absent or empty means everything. */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

/** A reply may be published without being allowed: at most `max` messages within `ttl` nanoseconds. */
export interface ResponsePermission {
  readonly max: number
  readonly ttl: number
}

export interface Permissions {
  readonly pub?: Permission
  readonly sub?: Permission
  readonly resp?: ResponsePermission
}

/** `HH:MM:SS` on both sides; a start after the end crosses midnight. */
export interface TimeRange {
  readonly start: string
  readonly end: string
}

/** What a user may do, or the template of a scoped signing key. */
export interface UserPermissionLimits extends Permissions {
  readonly subs?: number
  readonly data?: number
  readonly payload?: number
  /** A list of CIDRs; older tools write one string with commas. */
  readonly src?: readonly string[] | string
  readonly times?: readonly TimeRange[]
  /** IANA name of the zone `times` are in. */
  readonly times_location?: string
  readonly bearer_token?: boolean
  readonly proxy_required?: boolean
  readonly allowed_connection_types?: readonly string[]
}

export interface UserNats extends Typed<'user'>, UserPermissionLimits {
  /** The account a signing key signs for; absent when the account's root key signs. */
  readonly issuer_account?: string
}
export type UserClaims = ClaimsData<UserNats>

export interface Info {
  readonly description?: string
  readonly info_url?: string
}

export type SubjectKind = 'service' | 'stream'

export interface Import {
  readonly name?: string
  readonly subject: string
  readonly account: string
  readonly type: SubjectKind
  /** Activation JWT, when the export wants one. */
  readonly token?: string
  readonly local_subject?: string
  /** Deprecated by NATS in favour of `local_subject`. */
  readonly to?: string
  readonly share?: boolean
  readonly allow_trace?: boolean
}

export interface Export extends Info {
  readonly name?: string
  readonly subject: string
  readonly type: SubjectKind
  readonly token_req?: boolean
  readonly revocations?: Readonly<Record<string, number>>
  readonly response_type?: 'Singleton' | 'Stream' | 'Chunked'
  readonly response_threshold?: number
  readonly service_latency?: { readonly sampling: number | 'headers'; readonly results: string }
  /** Counted from one: the `*` that must be the importing account's key. */
  readonly account_token_position?: number
  readonly advertise?: boolean
  readonly allow_trace?: boolean
}

export interface JetStreamLimits {
  readonly mem_storage?: number
  readonly disk_storage?: number
  readonly streams?: number
  readonly consumer?: number
  readonly max_ack_pending?: number
  readonly mem_max_stream_bytes?: number
  readonly disk_max_stream_bytes?: number
  readonly max_bytes_required?: boolean
}

export interface AccountLimits extends JetStreamLimits {
  readonly subs?: number
  readonly data?: number
  readonly payload?: number
  readonly imports?: number
  readonly exports?: number
  readonly wildcards?: boolean
  readonly disallow_bearer?: boolean
  readonly conn?: number
  readonly leaf?: number
  /** By replicas: `R1`, `R3`. Not beside the flat JetStream limits. */
  readonly tiered_limits?: Readonly<Record<string, JetStreamLimits>>
}

/** A signing key whose users get the template and may carry no permissions of their own. */
export interface ScopedSigningKey {
  readonly kind: 'user_scope'
  readonly key: string
  readonly role: string
  readonly description?: string
  readonly template: UserPermissionLimits
}

export interface ExternalAuthorization {
  readonly auth_users?: readonly string[]
  readonly allowed_accounts?: readonly string[]
  readonly xkey?: string
}

export interface WeightedMapping {
  readonly subject: string
  /** Percent; absent or zero means 100. */
  readonly weight?: number
  readonly cluster?: string
}

export interface AccountNats extends Typed<'account'>, Info {
  readonly imports?: readonly Import[]
  readonly exports?: readonly Export[]
  readonly limits?: AccountLimits
  readonly signing_keys?: readonly (string | ScopedSigningKey)[]
  /** User key or `*` to the second up to which what was issued is revoked. */
  readonly revocations?: Readonly<Record<string, number>>
  readonly default_permissions?: Permissions
  readonly mappings?: Readonly<Record<string, readonly WeightedMapping[]>>
  readonly authorization?: ExternalAuthorization
  readonly trace?: { readonly dest?: string; readonly sampling?: number }
  readonly cluster_traffic?: string
}
export type AccountClaims = ClaimsData<AccountNats>

export interface OperatorNats extends Typed<'operator'> {
  readonly signing_keys?: readonly string[]
  readonly account_server_url?: string
  readonly operator_service_urls?: readonly string[]
  readonly system_account?: string
  readonly assert_server_version?: string
  readonly strict_signing_key_usage?: boolean
}
export type OperatorClaims = ClaimsData<OperatorNats>

export interface ActivationNats extends Typed<'activation'> {
  readonly subject: string
  readonly kind: SubjectKind
  readonly issuer_account?: string
}
export type ActivationClaims = ClaimsData<ActivationNats>

/** Claims of no known type, such as what `$SYS.REQ.CLAIMS.DELETE` wants. */
export type GenericClaims = ClaimsData<{ readonly version: 2 } & Readonly<Record<string, unknown>>>

export interface ServerId {
  readonly name: string
  readonly host: string
  readonly id: string
  readonly version?: string
  readonly cluster?: string
  readonly tags?: readonly string[]
  readonly xkey?: string
}

/** What the server knows about the client. `user` is what the client claims to be: not to be trusted. */
export interface ClientInformation {
  readonly host?: string
  readonly id?: number
  readonly user?: string
  readonly name?: string
  readonly tags?: readonly string[]
  readonly name_tag?: string
  readonly kind?: string
  readonly type?: string
  readonly mqtt_id?: string
  readonly nonce?: string
}

/** What the client sent in CONNECT, its secrets included. */
export interface ConnectOptions {
  readonly jwt?: string
  readonly nkey?: string
  readonly sig?: string
  readonly auth_token?: string
  readonly user?: string
  readonly pass?: string
  readonly name?: string
  readonly lang?: string
  readonly version?: string
  readonly protocol: number
}

export interface ClientTls {
  readonly version?: string
  readonly cipher?: string
  /** PEM, not verified by the server. */
  readonly certs?: readonly string[]
  /** PEM, leaf first, verified by the server. */
  readonly verified_chains?: readonly (readonly string[])[]
}

export interface AuthorizationRequestNats extends Typed<'authorization_request'> {
  readonly server_id: ServerId
  readonly user_nkey: string
  readonly client_info: ClientInformation
  readonly connect_opts: ConnectOptions
  readonly client_tls?: ClientTls
  readonly request_nonce?: string
}
export type AuthorizationRequestClaims = ClaimsData<AuthorizationRequestNats>

export interface AuthorizationResponseNats extends Typed<'authorization_response'> {
  readonly jwt?: string
  readonly error?: string
  readonly issuer_account?: string
}
export type AuthorizationResponseClaims = ClaimsData<AuthorizationResponseNats>

/** Everything that can be signed. */
export type AnyClaims =
  | OperatorClaims
  | AccountClaims
  | UserClaims
  | ActivationClaims
  | AuthorizationRequestClaims
  | AuthorizationResponseClaims
  | GenericClaims

/** What a token turned out to be. The shape of the claims is checked, their meaning is not: see `validateX`. */
export type Decoded =
  | { readonly type: 'operator'; readonly claims: OperatorClaims }
  | { readonly type: 'account'; readonly claims: AccountClaims }
  | { readonly type: 'user'; readonly claims: UserClaims }
  | { readonly type: 'activation'; readonly claims: ActivationClaims }
  | { readonly type: 'authorization_request'; readonly claims: AuthorizationRequestClaims }
  | { readonly type: 'authorization_response'; readonly claims: AuthorizationResponseClaims }
  | { readonly type: 'generic'; readonly claims: GenericClaims }

export type ClaimType = Decoded['type']
