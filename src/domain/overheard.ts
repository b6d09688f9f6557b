import { gained } from './gained.ts'
import type { SubjectRules } from './policy.ts'
import { parseSubscribeEntry } from './subject-entry.ts'
import { wornSubscriptions } from './worn.ts'

/**
 * What nats-server delivers to somebody with such rights to subscribe though they do not say so, as entries: by a
 * subscription whose last `>` an allowed `*` matches, where that could not be denied without denying what is allowed.
 */
export function overheard(rules: SubjectRules): readonly string[] {
  const { deny } = wornSubscriptions(rules)
  const longer = rules.allow.flatMap((entry) => {
    const { subject, queue } = parseSubscribeEntry(entry)
    if (subject !== '*' && !subject.endsWith('.*')) return []
    return queue === undefined ? `${subject}.>` : `${subject}.> ${queue}`
  })
  return gained({ allow: rules.allow, deny }, { allow: longer, deny })
}
