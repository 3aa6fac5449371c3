import type { TransformOptions } from 'node:stream'
import { invalidType } from '../errors.js'
import { checkBoolean, checkLimit, checkOptions, checkTimeout } from '../framing/checks.js'
import type { FrameScannerOptions } from '../framing/frame-scanner.js'
import type { Ending } from '../framing/scan-state.js'
import { type Terminator, discardInPieces } from '../framing/terminator.js'

/** Options of a {@link TerminatorSplitter}: those of a {@link FrameScanner}, and these. */
export interface TerminatorSplitterOptions
  extends Omit<FrameScannerOptions, 'terminator' | 'onOverflow'>,
    Pick<TransformOptions, 'signal' | 'autoDestroy'> {
  /**
   * Frames are strings: what `Buffer#toString` gives for each frame's bytes, a byte order mark kept. Under `null` a
   * streaming decoder gives whole characters. Counts and limits stay bytes. Not with `pieces`.
   * @defaultValue none: frames are Buffers
   */
  readonly encoding?: BufferEncoding
  /** Deliver frames in pieces, as they arrive: objects `{ data, ending }`, `ending` null while the frame goes on. @defaultValue false */
  readonly pieces?: boolean
  /** Deliver objects `{ data, offset, ending, matched }`. @defaultValue false */
  readonly details?: boolean
  /** Do not deliver delimited frames that are empty (with `keepTerminator` none is). @defaultValue false */
  readonly skipEmpty?: boolean
  /** Frames own their memory, so that a short one that is kept does not keep its chunk. @defaultValue false */
  readonly copy?: boolean
  /**
   * Deadline for each frame in ms from its first byte, 0 for none; past it the stream fails with
   * `ERR_FRAME_TIMEOUT`. It runs only while a consumer waits for the peer, and a byte does not put it off.
   * @defaultValue 0
   */
  readonly frameTimeout?: number
  /** Bytes written and not consumed from which `write()` gives false. @defaultValue 65536 */
  readonly writableHighWaterMark?: number
}

/** A frame with what is known of it (option `details`). */
export interface FrameDetails<Data = Buffer, E extends Ending | null = Ending> {
  readonly data: Data
  /** Position in the stream of the frame's first byte. */
  readonly offset: number
  readonly ending: E
  /** Index of the delimiter that ended it in the set; 0 for a single one and for other endings. */
  readonly matched: number
}

/** A piece of a frame (option `pieces`); `ending` is null while the frame goes on. */
export interface FramePiece<Data = Buffer> {
  readonly data: Data
  readonly ending: Ending | null
}

type Flag<O, K extends string> = O extends { readonly [key in K]: infer V } ? (V extends boolean ? V : false) : false
type DataOf<O> = O extends { readonly encoding: BufferEncoding } ? string : Buffer
type Shaped<Pieces, Details, Data> = Pieces extends true
  ? Details extends true
    ? FrameDetails<Data, Ending | null>
    : FramePiece<Data>
  : Details extends true
    ? FrameDetails<Data>
    : Data

/** What a splitter with these options delivers. */
export type FrameOf<O> = Shaped<Flag<O, 'pieces'>, Flag<O, 'details'>, DataOf<O>>

/** The options, checked and complete, less those that the scanner and the stream take themselves. */
export interface CheckedOptions {
  readonly encoding: BufferEncoding | undefined
  readonly pieces: boolean
  readonly details: boolean
  readonly skipEmpty: boolean
  readonly copy: boolean
  readonly frameTimeout: number
  readonly discards: boolean
  readonly autoDestroy: boolean
}

const DEFAULT_HIGH_WATER_MARK_BYTES = 65_536

export function checkSplitterOptions(options: TerminatorSplitterOptions): CheckedOptions {
  const { encoding, pieces = false, details = false, skipEmpty = false, copy = false, frameTimeout = 0 } =
    checkOptions('options', options)
  if (encoding !== undefined && !isEncoding(encoding)) {
    throw invalidType('options.encoding', 'an encoding that Buffer knows', encoding)
  }
  const discards = options.overflow === 'discard'
  if (checkBoolean('options.pieces', pieces)) refuseInPieces({ encoding, discards }, 'options')
  return {
    encoding,
    pieces,
    details: checkBoolean('options.details', details),
    skipEmpty: checkBoolean('options.skipEmpty', skipEmpty),
    copy: checkBoolean('options.copy', copy),
    frameTimeout: checkTimeout('options.frameTimeout', frameTimeout),
    discards,
    autoDestroy: options.autoDestroy !== false,
  }
}

/** Checks what a terminator's own settings mean together with the options. */
export function checkTogether(terminator: Terminator, options: CheckedOptions): void {
  if (typeof terminator !== 'object' || terminator === null || !('until' in terminator)) return
  const { pieces = options.pieces, overflow } = terminator
  const discards = overflow === undefined ? options.discards : overflow === 'discard'
  if (pieces) refuseInPieces({ encoding: options.encoding, discards }, 'terminator')
}

/** The options of the scanner below. */
export function scannerOptions(
  terminator: Terminator,
  options: TerminatorSplitterOptions,
  onOverflow: (discardedLength: number) => void,
): FrameScannerOptions {
  return { ...options, terminator, onOverflow }
}

/** The options of the Transform below: high-water marks are said, never left to the platform. */
export function transformOptions(options: TerminatorSplitterOptions): TransformOptions {
  const { autoDestroy, signal, writableHighWaterMark = DEFAULT_HIGH_WATER_MARK_BYTES } = options
  if (writableHighWaterMark !== 0) checkLimit('options.writableHighWaterMark', writableHighWaterMark)
  return {
    readableObjectMode: true,
    // Nothing is read ahead: a frame is cut when it is taken.
    readableHighWaterMark: 0,
    writableHighWaterMark,
    ...(autoDestroy === undefined ? {} : { autoDestroy }),
    ...(signal === undefined ? {} : { signal }),
  }
}

function refuseInPieces(options: Pick<CheckedOptions, 'encoding' | 'discards'>, name: string): void {
  if (options.discards) throw discardInPieces(`${name}.overflow`)
  if (options.encoding === undefined) return
  // A piece may end inside a character, and its `ending` has to come with its last byte.
  throw invalidType(`${name}.pieces`, 'false where frames are strings (option encoding)', true)
}

function isEncoding(encoding: unknown): encoding is BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding)
}
