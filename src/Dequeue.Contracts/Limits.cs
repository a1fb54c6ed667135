namespace Dequeue.Contracts;

/// <summary>The numbers that several parts must agree on. What only one part knows stands there, with its reason.</summary>
public static class Limits
{
    /// <summary>
    /// Events that go together: of a push, a REST page, a batch, a stored page. At 600 bytes each they are about what a message of Web PubSub holds (1 MB), and
    /// compressed what a table row holds (1 MB) many times over. Equal everywhere, so that a page is sent as it is stored, and a batch is a page.
    /// The shipped app asks for as many.
    /// </summary>
    public const int EventsTogether = 1000;

    /// <summary>UTF-8 bytes of an entity's id that is indexed, asked for first, or kept as the active stack's: the app's have 24, and a row key holds 512.</summary>
    public const int EntityIdBytes = 256;
}
