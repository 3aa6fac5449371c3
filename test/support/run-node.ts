/** Running Node as a user does. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

// The test runner puts its loaders and its coverage into every child, whatever environment the child is given. What
// runs here is to run as it does for a user, so this is undone (process-on-spawn keeps its state in a global symbol).
const wrapper = Reflect.get(globalThis, Symbol.for('process-on-spawn@*:singletonId')) as { unwrap(): void } | undefined
wrapper?.unwrap()

export interface Run {
  /** Exit code, or the signal that ended it. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

const TIMEOUT_MS = 15_000

/** Runs a script or what the options say, at most 15 s, without anything of the test process's own environment. */
export async function runNode(...options: string[]): Promise<Run> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^NODE_|TAP/.test(name)))
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, options, { env, timeout: TIMEOUT_MS })) }
  } catch (error) {
    const { code, signal, stdout, stderr } = error as { code?: number; signal?: string } & Run
    return { code: code ?? signal ?? 'unknown', stdout, stderr }
  }
}
