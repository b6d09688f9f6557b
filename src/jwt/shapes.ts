import type { ClaimType } from './claims.ts'
import { object, type Shape } from './shape.ts'

/** The shapes of claims.ts, for what arrives from outside: Go's decoder refuses the same. */

const strings: Shape = { list: 'string' }
const typed = { type: 'string', 'version!': 'int', tags: strings } as const

const permission = object({ allow: strings, deny: strings })
const permissions = {
  pub: permission,
  sub: permission,
  resp: object({ 'max!': 'int', 'ttl!': 'int' }),
} as const
const natsLimits = { subs: 'int', data: 'int', payload: 'int' } as const
const userPermissionLimits = {
  ...permissions,
  ...natsLimits,
  src: { either: [strings, 'string'] },
  times: { list: object({ 'start!': 'string', 'end!': 'string' }) },
  times_location: 'string',
  bearer_token: 'boolean',
  proxy_required: 'boolean',
  allowed_connection_types: strings,
} as const

const info = { description: 'string', info_url: 'string' } as const
const revocations: Shape = { map: 'int' }

const imported = object({
  name: 'string',
  'subject!': 'string',
  'account!': 'string',
  'type!': 'string',
  token: 'string',
  local_subject: 'string',
  to: 'string',
  share: 'boolean',
  allow_trace: 'boolean',
})
const exported = object({
  ...info,
  name: 'string',
  'subject!': 'string',
  'type!': 'string',
  token_req: 'boolean',
  revocations,
  response_type: 'string',
  response_threshold: 'int',
  service_latency: object({ 'sampling!': { either: ['int', 'string'] }, 'results!': 'string' }),
  account_token_position: 'int',
  advertise: 'boolean',
  allow_trace: 'boolean',
})

const jetStreamLimits = {
  mem_storage: 'int',
  disk_storage: 'int',
  streams: 'int',
  consumer: 'int',
  max_ack_pending: 'int',
  mem_max_stream_bytes: 'int',
  disk_max_stream_bytes: 'int',
  max_bytes_required: 'boolean',
} as const
const accountLimits = object({
  ...natsLimits,
  ...jetStreamLimits,
  imports: 'int',
  exports: 'int',
  wildcards: 'boolean',
  disallow_bearer: 'boolean',
  conn: 'int',
  leaf: 'int',
  tiered_limits: { map: object(jetStreamLimits) },
})
const scopedSigningKey = object({
  'kind!': 'string',
  'key!': 'string',
  role: 'string',
  description: 'string',
  'template!': object(userPermissionLimits),
})

const account = object({
  ...typed,
  ...info,
  imports: { list: imported },
  exports: { list: exported },
  limits: accountLimits,
  signing_keys: { list: { either: ['string', scopedSigningKey] } },
  revocations,
  default_permissions: object(permissions),
  mappings: { map: { list: object({ 'subject!': 'string', weight: 'int', cluster: 'string' }) } },
  authorization: object({ auth_users: strings, allowed_accounts: strings, xkey: 'string' }),
  trace: object({ dest: 'string', sampling: 'int' }),
  cluster_traffic: 'string',
})

const operator = object({
  ...typed,
  signing_keys: strings,
  account_server_url: 'string',
  operator_service_urls: strings,
  system_account: 'string',
  assert_server_version: 'string',
  strict_signing_key_usage: 'boolean',
})

const authorizationRequest = object({
  ...typed,
  'server_id!': object({
    'name!': 'string',
    'host!': 'string',
    'id!': 'string',
    version: 'string',
    cluster: 'string',
    tags: strings,
    xkey: 'string',
  }),
  'user_nkey!': 'string',
  'client_info!': object({
    host: 'string',
    id: 'int',
    user: 'string',
    name: 'string',
    tags: strings,
    name_tag: 'string',
    kind: 'string',
    type: 'string',
    mqtt_id: 'string',
    nonce: 'string',
  }),
  'connect_opts!': object({
    jwt: 'string',
    nkey: 'string',
    sig: 'string',
    auth_token: 'string',
    user: 'string',
    pass: 'string',
    name: 'string',
    lang: 'string',
    version: 'string',
    'protocol!': 'int',
  }),
  client_tls: object({
    version: 'string',
    cipher: 'string',
    certs: strings,
    verified_chains: { list: strings },
  }),
  request_nonce: 'string',
})

const NATS: Readonly<Record<ClaimType, Shape>> = {
  operator,
  account,
  user: object({ ...typed, ...userPermissionLimits, issuer_account: 'string' }),
  activation: object({ ...typed, 'subject!': 'string', 'kind!': 'string', issuer_account: 'string' }),
  authorization_request: authorizationRequest,
  authorization_response: object({ ...typed, jwt: 'string', error: 'string', issuer_account: 'string' }),
  generic: object({ 'version!': 'int' }),
}

/** The shape of whole claims, by type. */
export const SHAPES = Object.fromEntries(
  Object.entries(NATS).map(([type, nats]) => [
    type,
    object({
      'sub!': 'string',
      'iss!': 'string',
      jti: 'string',
      iat: 'int',
      aud: 'string',
      name: 'string',
      exp: 'int',
      nbf: 'int',
      'nats!': nats,
    }),
  ]),
) as Readonly<Record<ClaimType, Shape>>
