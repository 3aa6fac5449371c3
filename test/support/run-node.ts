/** Running Node as a user does. */

import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
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
  const env = userEnv({})
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, options, { env, timeout: TIMEOUT_MS })) }
  } catch (error) {
    const { code, signal, stdout, stderr } = error as { code?: number; signal?: string } & Run
    return { code: code ?? signal ?? 'unknown', stdout, stderr }
  }
}

/** The environment of a user, and what is given. */
function userEnv(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^NODE_|TAP/.test(name))), ...more }
}

/** Starts a module given as text, at most 15 s; its streams are the caller's to use. With `ipc` it can be talked to. */
export function startModule(source: string, { ipc = false } = {}): ChildProcessWithoutNullStreams {
  const stdio = ipc ? (['pipe', 'pipe', 'pipe', 'ipc'] as const) : 'pipe'
  const options = { env: userEnv({}), timeout: TIMEOUT_MS, stdio: stdio as 'pipe' }
  return spawn(process.execPath, ['--input-type=module', '-e', source], options)
}

/** Starts a shell command, in which `run` runs a module given as text: `run | head -1`. */
export function startInShell(command: string, source: string): ChildProcessWithoutNullStreams {
  const run = `run() { "$EXEC" --input-type=module -e "$SOURCE"; }; `
  return spawn('sh', ['-c', run + command], { env: userEnv({ EXEC: process.execPath, SOURCE: source }), timeout: TIMEOUT_MS })
}

/** What became of it. */
export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Run> {
  const closed = once(child, 'close')
  const [stdout, stderr, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { code: (code as number | null) ?? String(signal), stdout, stderr }
}
