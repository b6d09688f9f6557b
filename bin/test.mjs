// `npm test [-- arguments of vitest]`: everything the suite needs, then the suite.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { outcome, prepare, projectRoot } from './prepare.mjs'

if (await prepare()) {
  await fetchServers()
  const vitest = path.join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', ...process.argv.slice(2)]
  const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: 'inherit' })
  const { code, signal } = await outcome(child, 'vitest')
  if (signal === null) process.exitCode = code
  else process.kill(process.pid, signal)
}

/** Now, where one can see it, rather than inside the first test that has a deadline. */
async function fetchServers() {
  const { findServer, NATS_SERVER } = await import('../dist/nats/server-binary.js')
  const report = ({ text }) => process.stderr.write(`gatehouse: ${text}\n`)
  for (const version of [NATS_SERVER.pinned, NATS_SERVER.minimum]) {
    // The tests that need it say what to do about it.
    await findServer({ env: process.env, report, version }).catch((error) => report({ text: error.message }))
  }
}
