export { cobs, type CobsOptions } from './cobs.js'
export { dotBlock, type DotBlockOptions } from './dot-block.js'
export { headers, type HeadersMessage, type HeadersOptions, type HeadersToSend } from './headers.js'
export { jsonLines, type JsonLinesOptions } from './json-lines.js'
export { lengthField, type LengthFieldOptions } from './length-field.js'
export { lines, type LineEnding, type LinesOptions } from './lines.js'
export { netstring, type NetstringOptions } from './netstring.js'
export { pktLine, type Packet, type PacketToSend } from './pkt-line.js'
export { slip, type SlipOptions } from './slip.js'
export { varintLength, type VarintLengthOptions } from './varint-length.js'
export { httpChunked, type HttpChunk, type HttpChunkedOptions } from './http-chunked.js'
export { JsonSeqFailure, jsonSeq, type JsonSeqOptions } from './json-seq.js'
export { resp, type RespCodec, type RespOptions } from './resp.js'
export {
  RespAttributed,
  RespError,
  RespPiece,
  RespPush,
  RespStreamed,
  RespVerbatim,
  type RespMessage,
  type RespValue,
} from './resp-values.js'
export { HEARTBEAT, stomp, type StompFrame, type StompFrameToSend, type StompOptions } from './stomp.js'
export { syslog, type SyslogOptions } from './syslog.js'
export { telnetLines, type TelnetCommand, type TelnetLinesOptions, type TelnetMessage } from './telnet-lines.js'
