using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Dequeue.Contracts;

namespace Dequeue.Sync.Log.Rows;

/// <summary>
/// The keys of a log's rows. One partition holds one log: the rows <c>head</c> and <c>log</c>, the pages <c>p</c> + commit tick of the page's
/// last event in 19 digits, per event the row <c>i</c> + id, per sealed page and entity in it the index row <c>e</c> + entity +
/// the page's tick, and the row <c>runs</c> with the rows of its runs, <c>r</c> + the run's number in 10 digits + the tick of the row's
/// last event. docs/storage.md shows an example of each.
/// </summary>
internal static class LogRows
{
    /// <summary>The row that says where the log ends; rewritten by each transaction.</summary>
    public const string Head = "head";

    /// <summary>The row that keeps the log's epoch; written once.</summary>
    public const string Epoch = "log";

    /// <summary>Sorts before every index row.</summary>
    public const string BeforeEntities = "e";

    /// <summary>Sorts after every index row.</summary>
    public const string AfterEntities = "f";

    /// <summary>Sorts after every page row.</summary>
    public const string AfterPages = "q";

    /// <summary>Sorts before every id row.</summary>
    public const string BeforeIds = "i";

    /// <summary>Sorts after every id row.</summary>
    public const string AfterIds = "j";

    /// <summary>The row that lists the runs.</summary>
    public const string Runs = "runs";

    /// <summary>Sorts before every row of a run.</summary>
    public const string BeforeRuns = "r";

    /// <summary>Sorts after every row of a run, and before <see cref="Runs"/>.</summary>
    public const string AfterRuns = "r:";

    /// <summary>What stands between app and user: no app id holds it, so that the first one always ends the app.</summary>
    private const char Separator = ':';

    /// <summary>Longest partition key in characters; Azure allows 1 KiB.</summary>
    private const int MaxPartitionChars = Storage.TableLimits.KeyChars;

    /// <summary>
    /// The partition of a log. Users' characters outside <c>A-Z a-z 0-9 . _ @ | -</c> are written as <c>~XX</c> for each byte of
    /// their UTF-8, because Azure forbids some in keys. A user so long that the key would pass the limit (more than about 50
    /// such characters) is named by the SHA-256 of its UTF-8 after <c>~~</c>, which no escaped name begins with. So no two logs
    /// share a partition (L7).
    /// </summary>
    public static string Partition(LogKey key)
    {
        var app = key.App.Value;
        var user = key.User.Value;
        var text = new StringBuilder(app, MaxPartitionChars).Append(Separator);
        foreach (var rune in user.EnumerateRunes()) Append(text, rune);
        return text.Length <= MaxPartitionChars
            ? text.ToString()
            : $"{app}{Separator}~~{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(user)))}";
    }

    /// <summary>The row of the page whose last event was committed at <paramref name="tick"/>.</summary>
    public static string Page(long tick) => "p" + tick.ToString("D19", CultureInfo.InvariantCulture);

    /// <summary>The tick in a page's row key, or null when it is none.</summary>
    public static long? PageTick(string rowKey)
        => rowKey.Length == 20 && rowKey[0] == 'p' && long.TryParse(rowKey.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var tick)
            ? tick
            : null;

    /// <summary>The row that keeps an event from being stored twice.</summary>
    public static string Id(EventId id) => "i" + id.Value;

    /// <summary>The index row of an entity in a page.</summary>
    public static string Entity(Entities.EntityKey key, long pageTick) => string.Create(CultureInfo.InvariantCulture, $"e{key}{pageTick:D19}");

    /// <summary>The page's tick in an index row's key, or null when it is none.</summary>
    public static long? EntityPageTick(string rowKey)
        => rowKey.Length == 52 && long.TryParse(rowKey.AsSpan(33), NumberStyles.None, CultureInfo.InvariantCulture, out var tick) ? tick : null;

    /// <summary>The row of a run whose last event was committed at <paramref name="tick"/>.</summary>
    public static string Run(long run, long tick) => string.Create(CultureInfo.InvariantCulture, $"r{run:D10}{tick:D19}");

    /// <summary>Sorts after every row of one run.</summary>
    public static string AfterRun(long run) => string.Create(CultureInfo.InvariantCulture, $"r{run:D10}:");

    /// <summary>The tick in the row key of a run, or null when it is none.</summary>
    public static long? RunTick(string rowKey)
        => rowKey.Length == 30 && rowKey[0] == 'r' && long.TryParse(rowKey.AsSpan(11), NumberStyles.None, CultureInfo.InvariantCulture, out var tick)
            ? tick
            : null;

    private static void Append(StringBuilder text, Rune rune)
    {
        if (rune.IsAscii && (Rune.IsLetterOrDigit(rune) || rune.Value is '.' or '_' or '@' or '|' or '-'))
        {
            text.Append((char)rune.Value);
            return;
        }

        Span<byte> utf8 = stackalloc byte[4];
        foreach (var b in utf8[..rune.EncodeToUtf8(utf8)]) text.Append('~').Append(b.ToString("X2", CultureInfo.InvariantCulture));
    }
}
