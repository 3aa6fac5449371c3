// Bytes: how fast are lines of 80 bytes, and of 8, cut out of 64 KiB chunks?
import { loopOverCrlf, loopOverCrlfByLastByte, loopOverLf } from '../contenders/hand-written.mjs'
import { scanner, splitter } from '../contenders/ours.mjs'
import { LEAST_LINES_BYTES, asciiLines } from '../inputs.mjs'
import { fasterThanBytePeers, ratioToNamed } from './floors.mjs'

const HAND = 'hand-written loop'
const SPLITTER = 'TerminatorSplitter'

export const bytesLf = {
  name: 'bytes-lf',
  title: 'lines of 80 bytes ended by LF',
  rounds: 11,
  warmups: 2,
  input: (options) => asciiLines(80, '\n', options.bytes(32, LEAST_LINES_BYTES)),
  contenders: (peers) => [
    loopOverLf(HAND), scanner('FrameScanner', '\n'), splitter(SPLITTER, '\n'), ...(peers?.byEvents('\n') ?? []),
  ],
  floors: (entries) => [
    ...ratioToNamed('bytes/LF, against the hand-written loop', entries, SPLITTER, HAND, 0.8),
    ...fasterThanBytePeers('bytes/LF, against the fastest byte splitter', entries, SPLITTER),
  ],
}

export const bytesCrlf = {
  name: 'bytes-crlf',
  title: 'lines of 80 bytes ended by CR LF',
  rounds: 11,
  warmups: 2,
  input: (options) => asciiLines(80, '\r\n', options.bytes(32, LEAST_LINES_BYTES)),
  contenders: (peers) => [
    loopOverCrlf(HAND, '\r\n'),
    loopOverCrlf('hand-written, needle a Buffer', Buffer.from('\r\n')),
    loopOverCrlfByLastByte('hand-written, LF then look back'),
    scanner('FrameScanner', '\r\n'),
    splitter(SPLITTER, '\r\n'),
    ...(peers?.byEvents('\r\n') ?? []),
  ],
  floors: (entries) => [
    ...ratioToNamed('bytes/CRLF, against the hand-written loop', entries, SPLITTER, HAND, 1),
    ...fasterThanBytePeers('bytes/CRLF, against the fastest byte splitter', entries, SPLITTER),
  ],
}

export const shortLines = {
  name: 'short-lines',
  title: 'lines of 8 bytes ended by LF',
  rounds: 7,
  warmups: 1,
  input: (options) => asciiLines(8, '\n', options.bytes(8, LEAST_LINES_BYTES)),
  contenders: (peers) => [
    loopOverLf(HAND), scanner('FrameScanner', '\n'), splitter(SPLITTER, '\n'), ...(peers?.byEvents('\n') ?? []),
  ],
}
