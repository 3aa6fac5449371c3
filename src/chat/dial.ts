/** How channels come to their transports when they are not given one: by dialling, by starting a process. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, type SpawnOptionsWithoutStdio, spawn } from 'node:child_process'
import { type IpcSocketConnectOpts, type NetConnectOpts, type Socket, type TcpSocketConnectOpts, connect, isIP } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { invalidType } from '../errors.js'
import { checkOneOf, checkOptions } from '../framing/checks.js'
import type { Transport } from './chat-transport.js'

/** Where to connect to: the options of `net.connect`, and of `tls.connect`. */
export type DialOptions = (Omit<TcpSocketConnectOpts, 'signal'> | Omit<IpcSocketConnectOpts, 'signal'>) & {
  /** TLS over the connection: true, or the options of `tls.connect`. @defaultValue false */
  readonly tls?: boolean | ConnectionOptions | undefined
}

/** How to start a process: the options of `child_process.spawn`. */
export type StartOptions = Omit<SpawnOptionsWithoutStdio, 'signal' | 'stdio' | 'timeout'> & {
  /** What becomes of the process's stderr; `'pipe'`: read `chat.child.stderr`. @defaultValue 'inherit' */
  readonly stderr?: 'inherit' | 'ignore' | 'pipe' | undefined
}

/** A socket that is connecting. Throws a `TypeError` where the options do not say to where. */
export function dial(options: DialOptions): Socket {
  const { tls = false } = checkOptions('options', options)
  const { port, path } = options as { port?: unknown; path?: unknown }
  if (port === undefined && path === undefined) throw invalidType('options.port', 'given, or options.path', port)
  // The signal is the channel's: it closes it. The socket is not to fail by itself.
  const { signal: _signal, tls: _tls, ...target } = options as DialOptions & { signal?: unknown }
  const where = { ...target, allowHalfOpen: true } as unknown as NetConnectOpts
  if (tls === false) return connect(where)
  // A server of many names has to be told which one is meant.
  const { host } = options as { host?: unknown }
  const name = typeof host === 'string' && isIP(host) === 0 ? { servername: host } : {}
  return connectTls({ ...name, ...(where as ConnectionOptions), ...(tls === true ? {} : checkOptions('options.tls', tls)) })
}

/** A process that is starting, and its two ends as a transport. */
export function start(command: string, args: readonly string[], options: StartOptions): { child: ChildProcess; transport: Transport } {
  const { stderr = 'inherit', ...rest } = checkOptions('options', options)
  checkOneOf('options.stderr', stderr, ['inherit', 'ignore', 'pipe'])
  const { signal: _signal, ...spawnOptions } = rest as StartOptions & { signal?: unknown }
  const child = spawn(command, args, { ...spawnOptions, stdio: ['pipe', 'pipe', stderr] })
  const { stdin, stdout } = child as ChildProcessWithoutNullStreams
  return { child, transport: { readable: stdout, writable: stdin } }
}

/** Ends a process that nobody will talk to. */
export function stop(child: ChildProcess): void {
  child.on('error', () => {})
  // Of one that could not be started the id is 0, below: to kill that is to kill everybody in our process group.
  if (child.pid !== undefined) child.kill()
}

/** Makes a channel of what was opened for it. Where that fails, as it does for wrong options, nothing is left behind. */
export function orUndo<T>(make: () => T, undo: () => void): T {
  try {
    return make()
  } catch (error) {
    undo()
    throw error
  }
}
