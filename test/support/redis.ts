/** The programs of Redis, and what they say. No assertions here. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { type NetConnectOpts, type Socket, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { until } from './until.js'

/** Why these programs cannot be used; false: they can. */
export function whyNoRedis(...programs: readonly ('redis-cli' | 'redis-server' | 'redis-benchmark')[]): string | false {
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  return missing.length > 0 && `${missing.join(' and ')} not installed`
}

/** Starts the real server, on a Unix socket. */
export async function startRedis(t: Test): Promise<NetConnectOpts> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  const path = join(folder, 'socket')
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', folder], { stdio: ['ignore', 'pipe', 'ignore'] })
  const hasExited = new Promise((resolve) => server.on('exit', resolve))
  let log = ''
  server.stdout.on('data', (said) => (log += String(said)))
  t.teardown(async () => {
    server.kill()
    await hasExited
    rmSync(folder, { recursive: true, force: true })
  })
  await until('redis-server starts', () => log.includes('ready to accept connections') || server.exitCode !== null)
  return { path }
}

/** How redis-cli is told where a server is. */
function optionsFor(address: NetConnectOpts): string[] {
  return 'path' in address ? ['-s', address.path] : ['-p', String(address.port)]
}

/** Starts redis-cli; it is ended with the test. */
export function startCli(t: Test, address: NetConnectOpts, ...args: string[]): ChildProcess {
  const child = spawn('redis-cli', [...optionsFor(address), ...args], { stdio: 'pipe' })
  const hasExited = new Promise((resolve) => child.on('exit', resolve))
  t.teardown(() => {
    child.kill()
    return hasExited
  })
  return child
}

/** What redis-cli says to these commands, as one who types them sees it. */
export async function askCli(t: Test, address: NetConnectOpts, commands: readonly (readonly string[])[], ...args: string[]): Promise<string> {
  const { stdin, stdout } = startCli(t, address, '--no-raw', ...args)
  stdin?.end(commands.map((words) => `${words.map(quoted).join(' ')}\n`).join(''))
  return text(stdout as NonNullable<typeof stdout>)
}

/** As redis-cli reads it; a character is a byte. */
function quoted(word: string): string {
  return `"${Array.from(Buffer.from(word, 'latin1'), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`
}

/** All that a server answers to these bytes before it ends the connection. */
export async function askRaw(t: Test, address: NetConnectOpts, bytes: string | Uint8Array): Promise<string> {
  const socket = dial(t, address)
  socket.write(bytes)
  return text(socket.setEncoding('latin1'))
}

/** A connection by hand. */
export function dial(t: Test, address: NetConnectOpts): Socket {
  const socket = connect(address)
  t.teardown(() => socket.destroy())
  return socket
}
