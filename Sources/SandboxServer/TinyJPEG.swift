import Foundation

/// A whole baseline JPEG, 32×32 in colour: for a link whose name promises a PNG.
enum TinyJPEG {
  static let bytes: [UInt8] = {
    // Encoded once by libjpeg with optimised Huffman tables; it is smaller than an encoder would be.
    let text = """
      /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7
      gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8
      fHx8fHx8fHz/wAARCAAgACADASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAwIE/8QAFhAAAwAAAAAAAAAAAAAAAAAAAAEC
      /8QAFgEBAQEAAAAAAAAAAAAAAAAAAwQF/8QAFhEAAwAAAAAAAAAAAAAAAAAAAAED/9oADAMBAAIRAxEAPwDTLElgyxJYDmWug0sS
      WDLLlhuYToYpZcsGWJLNRzJnQaWJLBliSw3MJ0P/2Q==
      """
    return Data(base64Encoded: text, options: .ignoreUnknownCharacters).map { [UInt8]($0) } ?? []
  }()
}
