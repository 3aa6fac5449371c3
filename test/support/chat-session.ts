/**
 * Scripted sessions for an `AsyncChat` over a Duplex in memory, and what its hooks were called with. No assertions here.
 *
 * A trace is one line: `C(x)` for `collectIncomingData(x)`, `F` for `foundTerminator()`, `!text` for an error of a
 * hook, of the framing or of an argument, `CLOSE` for `handleClose()` after the end of input, and where asked for `|`
 * at the end of each chunk. Neighbouring `C`s are joined: how many there are is not promised.
 */

import { Duplex } from 'node:stream'
import type { Terminator } from '../../src/framing/index.js'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions } from '../../src/chat/chat-options.js'

/** Hooks by their kind, each counted from 0. */
type Moments = { readonly [kind in 'found' | 'collect']?: readonly number[] }

export interface Session {
  readonly chunks: readonly Uint8Array[]
  /** The first rules from the beginning, the next ones from the found terminators on, the last one for good. */
  readonly script: readonly Terminator[]
  /** `'keep'`: past the end of the script nothing is set. */
  readonly after?: 'rearm' | 'keep'
  /** `'outside'`: entry i of the script is set before chunk i instead. */
  readonly switch?: 'found' | 'outside'
  readonly onCollect?: Readonly<Record<string, Terminator>>
  readonly discard?: Moments
  readonly close?: Moments
  readonly raise?: Moments
  readonly eof?: boolean
  readonly inBufferSize?: number
}

export type TraceEvent =
  | { readonly kind: 'collect'; readonly data: Buffer }
  | { readonly kind: 'found' | 'close' | 'chunk' }
  | { readonly kind: 'error'; readonly text: string }

export interface Outcome {
  readonly events: readonly TraceEvent[]
  /** In force at the end. */
  readonly terminator: Terminator
  /** Received and not delivered. */
  readonly held: Buffer
}

/** What a hook that is told to raise throws; named as CPython's recorder named it. */
class Boom extends Error {
  override readonly name = 'Boom'
}

/** A transport whose other end is the test: `push()` is what the peer sends, `push(null)` its end. */
export class MemoryTransport extends Duplex {
  /** What was written, a string for each write. */
  readonly written: string[] = []
  #release: (() => void) | null = null
  #isBlocked = false

  /** It has enough as soon as a write is not through. */
  constructor() {
    super({ highWaterMark: 1 })
  }

  /** The peer takes nothing. */
  block(): void {
    this.#isBlocked = true
  }

  /** The peer takes the write that is held up, and goes on if it is told to. */
  release(isBlocked = false): void {
    this.#isBlocked = isBlocked
    const release = this.#release
    this.#release = null
    release?.()
  }

  get text(): string {
    return this.written.join('')
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.written.push(chunk.toString('latin1'))
    if (this.#isBlocked) this.#release = done
    else done()
  }
}

/** One turn of the event loop; what was scheduled by ticks and promises before has run then. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Everything that a chunk sets going has happened after so many turns. */
export async function settle(turns = 2): Promise<void> {
  for (let i = 0; i < turns; i++) await turn()
}

const TURNS_TO_CLOSE = 100

export async function runSession(session: Session): Promise<Outcome> {
  const events: TraceEvent[] = []
  const transport = new MemoryTransport()
  let chat: AsyncChat
  try {
    chat = new AsyncChat(transport, hooksOf(session, events))
  } catch (error) {
    transport.destroy()
    return { events: [{ kind: 'error', text: textOf(error) }], terminator: null, held: Buffer.alloc(0) }
  }
  const { chunks, script } = session
  for (const [index, chunk] of chunks.entries()) {
    if (session.switch === 'outside') chat.setTerminator(script[Math.min(index, script.length - 1)] as Terminator)
    if (chunk.length > 0 && !transport.destroyed) transport.push(chunk)
    await settle()
    events.push({ kind: 'chunk' })
  }
  const terminator = chat.getTerminator()
  const held = session.eof === true || chat.closed ? Buffer.alloc(0) : chat.splitter.takeUnread()
  if (session.eof === true) transport.push(null)
  else chat.close()
  for (let i = 0; i < TURNS_TO_CLOSE && !chat.closed; i++) await turn()
  return { events, terminator, held }
}

function hooksOf(session: Session, events: TraceEvent[]): AsyncChatOptions {
  const { script, after, onCollect = {}, discard = {}, close = {}, raise = {} } = session
  let collectCount = 0
  let foundCount = 0
  return {
    terminator: script[0],
    ...(session.inBufferSize === undefined ? {} : { acInBufferSize: session.inBufferSize }),
    collectIncomingData(data) {
      const k = collectCount++
      events.push({ kind: 'collect', data })
      if (discard.collect?.includes(k)) this.discardBuffers()
      if (onCollect[k] !== undefined) this.setTerminator(onCollect[k])
      if (raise.collect?.includes(k)) throw new Boom(`collect ${k}`)
    },
    foundTerminator() {
      const k = foundCount++
      events.push({ kind: 'found' })
      if (discard.found?.includes(k)) this.discardBuffers()
      if (close.found?.includes(k)) this.close()
      if (raise.found?.includes(k)) throw new Boom(`found ${k}`)
      const isLeftAlone = session.switch === 'outside' || (after === 'keep' && k + 1 >= script.length)
      if (!isLeftAlone) this.setTerminator(script[Math.min(k + 1, script.length - 1)] as Terminator)
    },
    handleError(error) {
      events.push({ kind: 'error', text: textOf(error) })
    },
    handleClose() {
      if (session.eof === true) events.push({ kind: 'close' })
    },
  }
}

function textOf(error: unknown): string {
  const { name, message, code } = error as Error & { code?: string }
  return code === undefined ? `${name}: ${message}` : `${name} ${code}`
}

/** The trace of the events, see above. */
export function traceOf(events: readonly TraceEvent[], showChunks = false): string {
  const words: string[] = []
  let collected: Buffer[] = []
  const flush = (): void => {
    if (collected.length > 0) words.push(`C(${quote(Buffer.concat(collected))})`)
    collected = []
  }
  for (const event of events) {
    if (event.kind === 'collect') collected.push(event.data)
    else if (event.kind !== 'chunk' || showChunks) {
      flush()
      words.push(event.kind === 'error' ? `!${event.text}` : { found: 'F', close: 'CLOSE', chunk: '|' }[event.kind])
    }
  }
  flush()
  return words.join(' ')
}

/** Bytes as Latin-1, control characters escaped. */
export function quote(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString('latin1')).slice(1, -1)
}
