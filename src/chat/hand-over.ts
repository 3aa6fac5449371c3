/** Giving a connection away: to TLS or another layer and back (`upgrade`), or for good (`detach`). */
import type { Duplex } from 'node:stream'
import { channelClosed, invalidState, unreadInput } from '../errors.js'
import type { Chunk } from '../producers/source.js'
import { asBuffer } from '../streams/on-demand.js'
import type { ChatChannel } from './chat-channel.js'
import { ChatOutput } from './chat-output.js'
import { ChatTransport, type Transport } from './chat-transport.js'
import { asError } from './hook-runner.js'

/** Makes the new transport of the old one, which is what the channel was given: a socket, most often. */
export type Wrap = (transport: any) => Duplex | Promise<Duplex>

/** Options of `upgrade()`. */
export interface UpgradeOptions {
  /** The last bytes on the old transport, after all that was pushed. */
  readonly before?: Chunk | undefined
  /** Bytes that were received and not read are the new layer's, and no error. @defaultValue false */
  readonly allowUnread?: boolean | undefined
}

/** What `detach()` gives. */
export interface Detached {
  readonly transport: Transport
  /** Bytes that were received and not delivered: they come before what can be read from the transport. */
  readonly unread: Buffer
}

/** Writes what was pushed, takes our hands off the transport and gives it back with the bytes that nobody read. */
export async function detach(channel: ChatChannel): Promise<Detached> {
  channel.phase = 'leaving'
  channel.loop.schedule()
  channel.hasEndedOutput = true
  channel.isClosedByUs = true
  channel.reads.failAll(channelClosed('The channel was detached'))
  await channel.output.finish()
  channel.throwIfOver()
  const unread = asBuffer(channel.splitter.takeUnread())
  const { given } = channel.transport
  channel.leave()
  return { transport: given, unread }
}

/** Writes what was pushed and `before`, and goes on over the transport that `wrap` makes of this one. */
export async function upgrade(channel: ChatChannel, wrap: Wrap, { before, allowUnread = false }: UpgradeOptions): Promise<void> {
  const { output, transport, splitter } = channel
  if (channel.hasEndedOutput) throw invalidState('upgrade() after end()')
  // What came in clear is not to be taken for what comes protected.
  const unreadLength = channel.input.scanner.bufferedLength + transport.unreadLength
  if (unreadLength > 0 && !allowUnread) throw unreadInput(unreadLength)
  channel.phase = 'leaving'
  channel.loop.schedule()
  if (before !== undefined) output.push(before, undefined)
  // What is pushed from now on is for the new transport.
  channel.formerOutput = output
  channel.output = new ChatOutput(channel.settings.acOutBufferSize, channel)
  await output.finish()
  channel.throwIfOver()
  channel.formerOutput = null
  transport.release()
  // It is still ours, should `wrap` fail.
  transport.ignoreErrors()
  const unread = splitter.takeUnread()
  if (unread.length > 0) transport.readable.unshift(unread)
  try {
    await goOn(channel, new ChatTransport(await wrap(transport.given)))
  } catch (error) {
    channel.close(asError(error))
    throw error
  }
}

/** Resolves when the new transport is connected, and the channel open again. */
function goOn(channel: ChatChannel, transport: ChatTransport): Promise<void> {
  if (channel.isOver) transport.destroy()
  channel.throwIfOver()
  return new Promise((resolve, reject) => {
    channel.replaceTransport(transport, (error) => (error === undefined ? resolve() : reject(error)))
  })
}

/** Throws where a channel cannot be handed over. */
export function checkHandOver(channel: ChatChannel, call: string): void {
  channel.throwIfOver()
  if (channel.phase !== 'open') throw invalidState(`${call} while the channel is closing or handed over`)
  if (!channel.isConnected) throw invalidState(`${call} before the channel is connected`)
}
