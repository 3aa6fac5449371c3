import { invalidType } from '../errors.js'
import { checkBoolean, checkCount, checkFunction, checkLimit, checkOneOf, checkOptions, checkTimeout } from '../framing/checks.js'
import { OVERFLOWS, type Overflow, type Terminator } from '../framing/terminator.js'
import type { AsyncChat } from './async-chat.js'
import type { HookResult } from './hook-runner.js'

/** Which clock ran out. */
export type TimeoutKind =
  /** No byte came or went. */
  | 'idle'
  /** A frame did not end in time. */
  | 'frame'

/** How the input ended. */
export interface EndInfo {
  /** Bytes received of the frame that the end cut; 0: it ended between two frames. */
  readonly incomplete: number
}

/** How a channel ended. */
export interface CloseInfo extends EndInfo {
  /** What ended it; absent: it ended well. */
  readonly error?: Error
  /** Sources that were pushed and not written as a whole. */
  readonly unsent: number
}

/**
 * The hooks of a channel, to be given as options; a subclass has them as methods. `this` is the channel. Each may give
 * a promise: nothing else happens on the channel before it has settled. What one throws goes to `handleError`.
 */
export interface ChatHooks {
  /** The transport is connected. Called once. asynchat: `handle_connect`. */
  handleConnect?(): HookResult
  /** A part of a frame came; never empty, cut anywhere. Together with `foundTerminator`. asynchat: `collect_incoming_data`. */
  collectIncomingData?(data: Buffer): HookResult
  /** The frame has ended. Together with `collectIncomingData`. asynchat: `found_terminator`. */
  foundTerminator?(): HookResult
  /** A whole frame came, or bytes under `null`. In place of the two. */
  handleFrame?(frame: Buffer): HookResult
  /** The peer sends no more. Not given: `closeWhenDone()`. */
  handleEnd?(info: EndInfo): HookResult
  /** The channel is over. Called once, last. asynchat: `handle_close`. */
  handleClose?(info: CloseInfo): HookResult
  /** A hook, the framing, a source or the transport failed. Not given: `close(error)`. asynchat: `handle_error`. */
  handleError?(error: Error): HookResult
  /** All was written, after a `push` that gave false. */
  handleDrain?(): HookResult
  /** A clock ran out. Not given: `close(error)` with `ERR_FRAME_TIMEOUT`. */
  handleTimeout?(kind: TimeoutKind): HookResult
}

/** Options of an {@link AsyncChat}: its hooks, and these. */
export interface ChatSettings {
  /** What ends the first frame. @defaultValue null */
  readonly terminator?: Terminator | undefined
  /** The longest frame in bytes of content; of pieces, a count is its own limit. It bounds `collect()` too. @defaultValue 1 MiB */
  readonly maxFrameLength?: number | undefined
  /** What happens to a longer frame. `'discard'` only with `handleFrame`. @defaultValue 'error' */
  readonly overflow?: Overflow | undefined
  /** The largest piece given to `collectIncomingData`, in bytes. @defaultValue the class's `acInBufferSize`, 65536 */
  readonly acInBufferSize?: number | undefined
  /** The queue's high-water mark, and the largest write, in bytes. @defaultValue the class's `acOutBufferSize`, 65536 */
  readonly acOutBufferSize?: number | undefined
  /** No frame is cut while more bytes than that wait for a slow peer. @defaultValue 1 MiB */
  readonly maxQueuedBytes?: number | undefined
  /** Time without a byte either way until `handleTimeout('idle')`, in ms; 0: none. @defaultValue 0 */
  readonly idleTimeout?: number | undefined
  /** Time for a frame from its first byte until `handleTimeout('frame')`, in ms; 0: none. @defaultValue 0 */
  readonly frameTimeout?: number | undefined
  /** Time that a peer has to end its side after `closeWhenDone()` has written all, in ms. @defaultValue 2000 */
  readonly lingerTimeout?: number | undefined
  /** False: the channel closes when the peer has ended its side, whatever `handleEnd` does. @defaultValue true */
  readonly allowHalfOpen?: boolean | undefined
  /** Closes the channel with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
  /** Sees all bytes received and written, for a log. It must not change them. */
  readonly tap?: ((direction: 'in' | 'out', bytes: Buffer) => void) | undefined
}

/** Options of an {@link AsyncChat}. */
export type AsyncChatOptions = ChatSettings & ChatHooks & ThisType<AsyncChat>

/** The options, checked and complete. */
export interface CheckedSettings {
  readonly terminator: Terminator
  readonly maxFrameLength: number
  readonly overflow: Overflow
  readonly acInBufferSize: number
  readonly acOutBufferSize: number
  readonly maxQueuedBytes: number
  /** Undefined: not given, so that a server may have a default of its own. */
  idleTimeout: number | undefined
  frameTimeout: number | undefined
  readonly lingerTimeout: number
  readonly allowHalfOpen: boolean
  readonly signal: AbortSignal | undefined
  tap: ChatSettings['tap']
}

export const HOOK_NAMES: readonly (keyof ChatHooks)[] = [
  'handleConnect',
  'collectIncomingData',
  'foundTerminator',
  'handleFrame',
  'handleEnd',
  'handleClose',
  'handleError',
  'handleDrain',
  'handleTimeout',
]

const MIB = 1024 * 1024
const DEFAULT_LINGER_MS = 2_000

/** Checks the options. The buffer sizes are the class's where they are not given. */
export function checkSettings(
  options: AsyncChatOptions,
  sizes: { readonly acInBufferSize: number; readonly acOutBufferSize: number },
): CheckedSettings {
  const { terminator = null, maxFrameLength = MIB, overflow = 'error', maxQueuedBytes = MIB } = checkOptions('options', options)
  const { acInBufferSize = sizes.acInBufferSize, acOutBufferSize = sizes.acOutBufferSize, allowHalfOpen = true } = options
  for (const name of HOOK_NAMES) if (options[name] !== undefined) checkFunction(`options.${name}`, options[name])
  return {
    terminator,
    maxFrameLength: checkLimit('options.maxFrameLength', maxFrameLength),
    overflow: checkOneOf('options.overflow', overflow, OVERFLOWS),
    acInBufferSize: checkCount('options.acInBufferSize', acInBufferSize),
    acOutBufferSize: checkCount('options.acOutBufferSize', acOutBufferSize),
    maxQueuedBytes: checkLimit('options.maxQueuedBytes', maxQueuedBytes),
    idleTimeout: checkOptionalTimeout('options.idleTimeout', options.idleTimeout),
    frameTimeout: checkOptionalTimeout('options.frameTimeout', options.frameTimeout),
    lingerTimeout: checkOptionalTimeout('options.lingerTimeout', options.lingerTimeout) ?? DEFAULT_LINGER_MS,
    allowHalfOpen: checkBoolean('options.allowHalfOpen', allowHalfOpen),
    signal: checkSignal('options.signal', options.signal),
    tap: options.tap === undefined ? undefined : checkFunction('options.tap', options.tap),
  }
}

function checkOptionalTimeout(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : checkTimeout(name, value)
}

export function checkSignal(name: string, value: AbortSignal | undefined): AbortSignal | undefined {
  const isSignal = typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
  if (value === undefined || isSignal) return value
  throw invalidType(name, 'an AbortSignal', value)
}
