import { failureOf, type Failure } from './failure.ts'

/** The faults of documents are a list of their own: the message need not hold it as well. */
export function documentFailure(error: unknown): Failure {
  const failure = failureOf(error)
  const [first = ''] = failure.message.split('\n')
  return failure.code === 'invalid_document' ? { ...failure, message: first } : failure
}
