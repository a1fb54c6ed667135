namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>User ids that something on the way might trim, fold, decode or take apart.</summary>
internal static class OddUsers
{
    /// <summary>Each is a user of its own, whatever it resembles.</summary>
    public static IReadOnlyList<string> Distinct { get; } =
    [
        "ada", "Ada", "ADA", "ada.", "ada..", ".", "..", "../ada", "ada/bob", "/ada", "ada\\bob",
        "ada bob", "ada  bob", "ada\u00A0bob", "ada\u3000bob", "ada\u200Bbob", "ada\uFEFFbob",
        "ada%20", "%20ada", "ada%20bob", "ada%2520", "ada+bob", "ada%2Bbob", "%", "ada%", "ada%00",
        "zo\u00EB", "zoe\u0308", "\u212B", "\u00C5", "A\u030A", "\uFF41da", "stra\u00DFe", "strasse", "\u0130", "\u0131", "i", "I", "\uFB01", "fi", "\u212A", "K", "k",
        "ada:bob", "dequeue:ada", "other.app:ada", ":ada", "ada,bob", "ada;bob", "ada&group=live.dequeue:bob", "ada?x=1", "ada#1", "ada=bob",
        "\"ada\"", "'ada'", "<ada>", "{ada}", "[ada]", "(ada)", "ada*", "*", "?", "ada|bob", "ada@bob", "auth0|64f", "ada~bob", "~", "~YWRh", "~~", "-ada", "_",
        "=?utf-8?B?YWRh?=", "\u65E5\u672C", "\u0430da", "\uD83D\uDC69\u200D\uD83D\uDCBB", "\uD83D\uDE00", "ada\u202Ebob", "ada\u0301",
        new('a', 128), new('\u65E5', 128), string.Concat(Enumerable.Repeat("\uD83D\uDE00", 64)), new('%', 128),
    ];

    /// <summary>Users that no token may name: something blank at an end, which is trimmed somewhere.</summary>
    public static TheoryData<string> BlankEnds => ["ada ", " ada", "ada\u00A0", "\u00A0ada", "ada\u3000", "ada\u2003", "\u2028ada", "ada\u2029", "ada\uFEFF", "\uFEFFada", "ada\u200B", "ada\u1680"];
}
