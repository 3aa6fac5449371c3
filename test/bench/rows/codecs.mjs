// Codecs: what does a message cost beside a bare frame, and beside those who read lengths?
import { lengthField, varintLength } from '../../../dist/index.js'
import { loopOverLengths, loopOverVarints, messageDecoder, messageScanner } from '../contenders/codecs.mjs'
import { loopOverLf } from '../contenders/hand-written.mjs'
import { scanner, splitter } from '../contenders/ours.mjs'
import { LEAST_LINES_BYTES, asciiLines, ended, prefixed, uint32Header, varintHeader } from '../inputs.mjs'
import { fasterThanBytePeers, ratioToNamed } from './floors.mjs'

const encode = () => ''
/** Whole frames as they come; what the end cuts is an error. */
const byTerminator = { terminator: '\n', parse: (frame) => frame, encode }
const byGenerator = {
  *decode() {
    return yield '\n'
  },
  encode,
}

const SPLITTER = 'TerminatorSplitter'
const TERMINATOR = 'decoder, terminator and parse'
const GENERATOR = 'decoder, generator of one yield'

export const codecs = {
  name: 'codecs',
  title: 'lines of 80 bytes ended by LF, as messages',
  rounds: 25,
  warmups: 5,
  input: (options) => ended(asciiLines(80, '\n', options.bytes(16, LEAST_LINES_BYTES)), '\n'),
  contenders: () => [
    loopOverLf(),
    scanner('FrameScanner', '\n'),
    messageScanner('MessageScanner, terminator and parse', byTerminator),
    messageScanner('MessageScanner, generator of one yield', byGenerator),
    splitter(SPLITTER, '\n'),
    messageDecoder(TERMINATOR, byTerminator),
    messageDecoder(GENERATOR, byGenerator),
  ],
  floors: (entries) => [
    ...ratioToNamed('terminator codec, against the bare splitter', entries, TERMINATOR, SPLITTER, 0.85),
    ...ratioToNamed('generator codec, against the bare splitter', entries, GENERATOR, SPLITTER, 0.5),
  ],
}

const MESSAGE_BYTES = 64

export const lengthFields = {
  name: 'length-field',
  title: `messages of ${MESSAGE_BYTES} bytes after a length of 4`,
  rounds: 25,
  warmups: 5,
  input: (options) => prefixed(MESSAGE_BYTES, uint32Header, options.bytes(16, LEAST_LINES_BYTES)),
  contenders: (peers) => [
    loopOverLengths('hand-written loop'),
    messageScanner('MessageScanner, lengthField()', lengthField()),
    messageDecoder('decoder(lengthField())', lengthField()),
    ...(peers?.byLengths() ?? []),
  ],
  floors: (entries) => [
    ...ratioToNamed('lengthField, against the hand-written loop', entries, 'decoder(lengthField())', 'hand-written loop', 0.8),
    ...fasterThanBytePeers('lengthField, against the fastest peer', entries, 'decoder(lengthField())'),
  ],
}

export const varintLengths = {
  name: 'varint-length',
  title: `messages of ${MESSAGE_BYTES} bytes after a varint length`,
  rounds: 25,
  warmups: 5,
  input: (options) => prefixed(MESSAGE_BYTES, varintHeader, options.bytes(16, LEAST_LINES_BYTES)),
  contenders: (peers) => [
    loopOverVarints('hand-written loop'),
    messageScanner('MessageScanner, varintLength()', varintLength()),
    messageDecoder('decoder(varintLength())', varintLength()),
    ...(peers?.byVarints() ?? []),
  ],
  floors: (entries) => fasterThanBytePeers('varintLength, against the fastest peer', entries, 'decoder(varintLength())'),
}
