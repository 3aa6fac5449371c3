/**
 * The functions below `FrameScanner`, driven by themselves: a state as the scanner would make it, and what a step of
 * reading gave, told in a word or two.
 */

import { FramingError } from '../../src/errors.js'
import { ScanState, type ScanOptions } from '../../src/framing/scan-state.js'
import { compileTerminator, type Terminator } from '../../src/framing/terminator.js'
import { byteByByte, guarded } from './cuts.js'

const DEFAULTS: ScanOptions = {
  maxFrameLength: 4,
  overflow: 'error',
  tail: undefined,
  rearmCount: true,
  keepTerminator: false,
  onOverflow: undefined,
}

/** A state under this terminator, with `input` at hand. */
export function stateOf(terminator: Terminator, options: Partial<ScanOptions> = {}, input = ''): ScanState {
  const state = new ScanState({ ...DEFAULTS, ...options })
  state.use(compileTerminator(terminator))
  state.input.write(guarded(Buffer.from(input, 'latin1')))
  return state
}

/** `data ending offset matched`: what was delivered; `...` stands for the ending of a frame that goes on. */
export function told(state: ScanState, bytes: Uint8Array): string {
  const { ending, offset, matched } = state
  return [Buffer.from(bytes).toString('latin1'), ending ?? '...', offset, ...(matched === 0 ? [] : [matched])].join(' ')
}

export interface Scan {
  readonly terminator: Terminator
  readonly options?: Partial<ScanOptions>
  readonly input: string
}

/** All that reading gives: frames or pieces, discards, an error; the input ends. */
export function scan(read: (state: ScanState) => Uint8Array | null, { terminator, options, input }: Scan, cut: 'whole' | 'byte by byte'): string[] {
  const log: string[] = []
  const state = stateOf(terminator, { onOverflow: (length) => log.push(`discarded ${length}`), ...options })
  const bytes = Buffer.from(input, 'latin1')
  const readOn = (): void => {
    for (let piece = read(state); piece !== null; piece = read(state)) log.push(told(state, piece))
  }
  try {
    for (const chunk of cut === 'whole' ? [guarded(bytes)] : byteByByte(bytes)) {
      state.input.write(chunk)
      readOn()
    }
    state.ended = true
    readOn()
  } catch (error) {
    if (!(error instanceof FramingError)) throw error
    log.push(`${error.code} ${error.offset} ${error.length}`)
  }
  return log
}
