import type { UserPermissionLimits } from './claims.ts'

/** What those users may do that Gatehouse makes for itself: the service, the sentinel, and who purges. */

/** What the service asks of the system account on its one connection (reference C.2, D). */
export const SYSTEM_REQUESTS = [
  '$SYS.REQ.CLAIMS.UPDATE',
  '$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP',
  '$SYS.REQ.SERVER.*.IDZ',
  '$SYS.REQ.SERVER.PING.VARZ',
  '$SYS.REQ.CLAIMS.DELETE',
  '$SYS.REQ.ACCOUNT.*.CONNZ',
  '$SYS.REQ.ACCOUNT.*.JSZ',
  '$SYS.REQ.SERVER.*.CONNZ',
  '$SYS.REQ.SERVER.*.KICK',
]

/** Who comes, who goes, and which server ends (reference D): what the system account tells the service. */
export const SYSTEM_EVENTS = ['$SYS.ACCOUNT.*.CONNECT', '$SYS.ACCOUNT.*.DISCONNECT', '$SYS.SERVER.*.SHUTDOWN']

/** What the service user may do in the callout account, and nothing else (reference F). */
export const SERVICE_PERMISSIONS: UserPermissionLimits = {
  pub: {
    allow: [
      '$JS.API.INFO',
      // Whatever streams the callout account has are ours. Named one by one they would make a JWT too long for the
      // `max_control_line` of a server that keeps the default (4 KiB).
      '$JS.API.STREAM.INFO.*',
      '$JS.API.STREAM.CREATE.*',
      '$JS.API.STREAM.UPDATE.*',
      '$JS.API.STREAM.MSG.GET.*',
      '$JS.API.STREAM.PURGE.KV_gatehouse',
      '$JS.API.DIRECT.GET.>',
      '$JS.API.CONSUMER.CREATE.>',
      '$JS.API.CONSUMER.INFO.*.*',
      '$JS.API.CONSUMER.DELETE.*.*',
      '$JS.API.CONSUMER.MSG.NEXT.*.*',
      '$JS.ACK.>',
      // Events that belong to no commit. All others come from the bucket, and cannot be made up.
      'auth.event.*.user.logged_in',
      'auth.event.*.user.logged_out',
      'auth.event.*.user.token_refreshed',
      'auth.event.*.user.login_failed',
      'auth.event.*.user.locked_out',
      'auth.event.*.session.*',
      'auth.event.*.command.refused',
      'auth.feed.>',
      'auth.audit.>',
      '$KV.gatehouse.>',
      '$KV.gatehouse-sessions.>',
      '$KV.gatehouse-activity.>',
      '$KV.gatehouse-lockouts.>',
      ...SYSTEM_REQUESTS,
      // What replicas tell each other.
      'gatehouse.gossip.>',
      // Answers: to servers that ask for a decision, and to commands from other accounts and from our own.
      '$SYS._INBOX.>',
      '_R_.>',
      '_INBOX_gatehouse.>',
    ],
  },
  sub: {
    allow: [
      '$SYS.REQ.USER.AUTH gatehouse',
      'auth.v1.> gatehouse',
      '$SRV.>',
      ...SYSTEM_EVENTS,
      'gatehouse.gossip.>',
      '_INBOX_gatehouse.>',
    ],
  },
}

/** Purges the streams of an account that was deleted; nats-server lets nobody but the system account do it. */
export const PURGER_PERMISSIONS: UserPermissionLimits = {
  pub: { allow: ['$JS.API.ACCOUNT.PURGE.*'] },
  sub: { allow: ['_INBOX_gatehouse_purge.>'] },
}

/** Opens no subject at all: whoever is in the callout account is nobody until the callout has said who (reference 0.1). */
export const DENY_ALL: UserPermissionLimits = { pub: { deny: ['>'] }, sub: { deny: ['>'] } }

/** Everybody has the sentinel, so it proves nothing. */
export const SENTINEL_PERMISSIONS: UserPermissionLimits = { ...DENY_ALL, bearer_token: true }
