export {
  FrameScanner,
  type FrameScannerOptions,
  FramingError,
  type Boundary,
  type Delimiter,
  type Ending,
  type FrameRule,
  type FramingErrorCode,
  type FramingErrorDetails,
  type Overflow,
  type Tail,
  type Terminator,
} from './framing/index.js'
export { TerminatorSplitter } from './streams/terminator-splitter.js'
export type { FrameIterator } from './streams/frame-iterator.js'
export type { FrameDetails, FrameOf, FramePiece, TerminatorSplitterOptions } from './streams/splitter-options.js'
export { Fifo } from './producers/fifo.js'
export { SimpleProducer } from './producers/simple-producer.js'
export type { BlobLike, Chunk, Produced, Producer, Source, WebReadable } from './producers/source.js'
export { ProducerReadable, type ProducerReadableOptions } from './streams/producer-readable.js'
export { AsyncChat, type AsyncChatClass, type ConnectOptions, type SpawnOptions } from './chat/async-chat.js'
export {
  ChatServer,
  createChatServer,
  type BroadcastOptions,
  type ChannelDefaults,
  type ChatFactory,
  type ChatServerEvents,
  type ChatServerOptions,
  type SlowMember,
} from './chat/chat-server.js'
export type { AsyncChatOptions, ChatHooks, ChatSettings, CloseInfo, EndInfo, TimeoutKind } from './chat/chat-options.js'
export type { PushCallback } from './chat/chat-output.js'
export type { ReadMessageOptions, ReadOptions } from './chat/chat-read.js'
export type { Transport } from './chat/chat-transport.js'
export type { DialOptions, StartOptions } from './chat/dial.js'
export type { Detached, UpgradeOptions, Wrap } from './chat/hand-over.js'
export type { HookResult } from './chat/hook-runner.js'
export { stdio, type StdioOptions } from './chat/stdio.js'
export {
  EndOfInput,
  MessageScanner,
  NULL,
  expectBytes,
  parseLength,
  type Codec,
  type CodecSource,
  type DecodeContext,
  type Decoding,
  type EncodedChunk,
  type Encoding,
  type Extent,
  type FrameCodec,
  type MessageScannerOptions,
  type ParseLengthOptions,
  type SteppedCodec,
} from './framing/index.js'
export {
  HEARTBEAT,
  JsonSeqFailure,
  RespAttributed,
  RespError,
  RespPiece,
  RespPush,
  RespStreamed,
  RespVerbatim,
  cobs,
  dotBlock,
  headers,
  httpChunked,
  jsonLines,
  jsonSeq,
  lengthField,
  lines,
  netstring,
  pktLine,
  resp,
  slip,
  stomp,
  syslog,
  telnetLines,
  varintLength,
  type CobsOptions,
  type DotBlockOptions,
  type HeadersMessage,
  type HeadersOptions,
  type HeadersToSend,
  type HttpChunk,
  type HttpChunkedOptions,
  type JsonLinesOptions,
  type JsonSeqOptions,
  type LengthFieldOptions,
  type LineEnding,
  type LinesOptions,
  type NetstringOptions,
  type Packet,
  type PacketToSend,
  type RespCodec,
  type RespMessage,
  type RespOptions,
  type RespValue,
  type SlipOptions,
  type StompFrame,
  type StompFrameToSend,
  type StompOptions,
  type SyslogOptions,
  type TelnetCommand,
  type TelnetLinesOptions,
  type TelnetMessage,
  type VarintLengthOptions,
} from './codecs/index.js'
export { Decoder, decoder, type DecoderOptions } from './streams/decoder.js'
export { Encoder, encoder, type EncoderOptions } from './streams/encoder.js'
export { Framed, framed, type FramedOptions } from './chat/framed.js'
