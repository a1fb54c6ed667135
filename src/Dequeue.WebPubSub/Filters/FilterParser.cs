namespace Dequeue.WebPubSub.Filters;

/// <summary>Reads a filter, checks its types, and makes a function of it. Anything but the documented subset is refused.</summary>
internal sealed class FilterParser
{
    /// <summary>Conditions and functions in one filter; the service documents about a hundred.</summary>
    private const int MaxClauses = 100;

    private readonly FilterToken[] _tokens;
    private int _at;
    private int _clauses;

    /// <summary>A parser of one filter.</summary>
    /// <exception cref="FormatException">The text cannot be cut into tokens.</exception>
    public FilterParser(string text) => _tokens = [.. FilterLexer.Read(text)];

    private enum Kind
    {
        Null,
        Text,
        Number,
        Truth,
        Groups,
    }

    private FilterToken Next => _tokens[_at];

    /// <summary>The whole filter as a function that gives true, false or, for neither, null.</summary>
    /// <exception cref="FormatException">It is malformed, of wrong types or too large; the message says where.</exception>
    public Func<FilterSubject, object?> ParseCondition()
    {
        var condition = ParseOr();
        if (Next.Kind != FilterTokenKind.End) throw Unexpected(Next);
        return Truth(condition);
    }

    private static Func<FilterSubject, object?> Truth(Node node)
        => node.Kind == Kind.Truth ? node.Value : throw new FormatException("The filter has a value where a condition belongs.");

    private Node ParseOr()
    {
        var left = ParseAnd();
        while (TakeWord("or"))
        {
            var (one, other) = (Truth(left), Truth(ParseAnd()));
            left = new Node(Kind.Truth, subject => one(subject) is true || other(subject) is true);
        }

        return left;
    }

    private Node ParseAnd()
    {
        var left = ParseNot();
        while (TakeWord("and"))
        {
            var (one, other) = (Truth(left), Truth(ParseNot()));
            left = new Node(Kind.Truth, subject => one(subject) is true && other(subject) is true);
        }

        return left;
    }

    private Node ParseNot()
    {
        if (!TakeWord("not")) return ParseComparison();
        Count();
        var inner = Truth(ParseNot());
        return new Node(Kind.Truth, subject => inner(subject) is bool truth ? !truth : null);
    }

    private Node ParseComparison()
    {
        var left = ParseValue();
        if (Next.Kind != FilterTokenKind.Word) return left;
        switch (Next.Text)
        {
            case "eq" or "ne" or "gt" or "ge" or "lt" or "le":
                var name = _tokens[_at++].Text;
                return Compare(name, left, ParseValue());
            case "in":
                _at++;
                return In(left);
            default:
                return left;
        }
    }

    private Node Compare(string name, Node left, Node right)
    {
        Count();
        if (left.Kind != right.Kind && left.Kind != Kind.Null && right.Kind != Kind.Null || left.Kind == Kind.Groups || right.Kind == Kind.Groups)
        {
            throw new FormatException($"The filter compares values of different types with '{name}'.");
        }

        if (name is "eq") return new Node(Kind.Truth, subject => Equals(left.Value(subject), right.Value(subject)));
        if (name is "ne") return new Node(Kind.Truth, subject => !Equals(left.Value(subject), right.Value(subject)));
        if (left.Kind == Kind.Truth || right.Kind == Kind.Truth) throw new FormatException($"The filter orders conditions with '{name}'.");
        return new Node(Kind.Truth, subject => Order(left.Value(subject), right.Value(subject)) is { } order
            && name switch { "gt" => order > 0, "ge" => order >= 0, "lt" => order < 0, _ => order <= 0 });
    }

    private static int? Order(object? left, object? right) => (left, right) switch
    {
        (string one, string other) => string.CompareOrdinal(one, other),
        (long one, long other) => one.CompareTo(other),
        _ => null,
    };

    private Node In(Node left)
    {
        Count();
        if (TakeWord("groups"))
        {
            if (left.Kind != Kind.Text) throw new FormatException("The filter looks for something other than a text in groups.");
            return new Node(Kind.Truth, subject => left.Value(subject) is string group && subject.Groups.Contains(group));
        }

        Expect("(");
        var values = ParseList();
        if (values.Count == 0 || values.Any(value => value.Kind != left.Kind && value.Kind != Kind.Null))
        {
            throw new FormatException("The filter has a list after 'in' that is empty or of another type.");
        }

        return new Node(Kind.Truth, subject =>
        {
            var wanted = left.Value(subject);
            return values.Any(value => Equals(value.Value(subject), wanted));
        });
    }

    private Node ParseValue()
    {
        var token = _tokens[_at];
        if (token.Kind != FilterTokenKind.End) _at++;
        switch (token)
        {
            case { Kind: FilterTokenKind.Text }:
                return new Node(Kind.Text, _ => token.Text);
            case { Kind: FilterTokenKind.Number }:
                return new Node(Kind.Number, _ => token.Number);
            case { Kind: FilterTokenKind.Punctuation, Text: "(" }:
                Count();
                var inner = ParseOr();
                Expect(")");
                return inner;
            case { Kind: FilterTokenKind.Word, Text: "true" }:
                return new Node(Kind.Truth, _ => true);
            case { Kind: FilterTokenKind.Word, Text: "false" }:
                return new Node(Kind.Truth, _ => false);
            case { Kind: FilterTokenKind.Word, Text: "null" }:
                return new Node(Kind.Null, _ => null);
            case { Kind: FilterTokenKind.Word, Text: "userId" }:
                return new Node(Kind.Text, subject => subject.UserId);
            case { Kind: FilterTokenKind.Word, Text: "connectionId" }:
                return new Node(Kind.Text, subject => subject.ConnectionId);
            case { Kind: FilterTokenKind.Word, Text: "groups" }:
                return new Node(Kind.Groups, subject => subject.Groups);
            case { Kind: FilterTokenKind.Word } when Next is { Kind: FilterTokenKind.Punctuation, Text: "(" }:
                _at++;
                return Call(token.Text, ParseList());
            default:
                throw Unexpected(token);
        }
    }

    private List<Node> ParseList()
    {
        var values = new List<Node>();
        do
        {
            Count();
            values.Add(ParseOr());
        }
        while (Take(","));

        Expect(")");
        return values;
    }

    private static Node Call(string name, List<Node> arguments)
    {
        var kinds = arguments.Select(argument => argument.Kind).ToArray();
        return (name, kinds) switch
        {
            ("tolower", [Kind.Text]) => Text(values => values[0].ToLowerInvariant()),
            ("toupper", [Kind.Text]) => Text(values => values[0].ToUpperInvariant()),
            ("trim", [Kind.Text]) => Text(values => values[0].Trim()),
            ("concat", [Kind.Text, Kind.Text]) => Text(values => values[0] + values[1]),
            ("startswith", [Kind.Text, Kind.Text]) => new Node(Kind.Truth, OfTexts(values => values[0].StartsWith(values[1], StringComparison.Ordinal))),
            ("endswith", [Kind.Text, Kind.Text]) => new Node(Kind.Truth, OfTexts(values => values[0].EndsWith(values[1], StringComparison.Ordinal))),
            ("contains", [Kind.Text, Kind.Text]) => new Node(Kind.Truth, OfTexts(values => values[0].Contains(values[1], StringComparison.Ordinal))),
            ("indexof", [Kind.Text, Kind.Text]) => new Node(Kind.Number, OfTexts(values => (long)values[0].IndexOf(values[1], StringComparison.Ordinal))),
            ("length", [Kind.Text]) => new Node(Kind.Number, OfTexts(values => (long)values[0].Length)),
            ("length", [Kind.Groups]) => new Node(Kind.Number, subject => (long)subject.Groups.Length),
            ("substring", [Kind.Text, Kind.Number] or [Kind.Text, Kind.Number, Kind.Number]) => new Node(Kind.Text, Substring),
            _ => throw new FormatException($"The filter has an unknown function '{name}', or one with the wrong arguments."),
        };

        Node Text(Func<string[], string> function) => new(Kind.Text, OfTexts(function));

        // A function of something missing is missing.
        Func<FilterSubject, object?> OfTexts<T>(Func<string[], T> function) => subject =>
        {
            var values = new string[arguments.Count];
            for (var i = 0; i < values.Length; i++)
            {
                if (arguments[i].Value(subject) is not string value) return null;
                values[i] = value;
            }

            return function(values);
        };

        object? Substring(FilterSubject subject)
        {
            if (arguments[0].Value(subject) is not string text || arguments[1].Value(subject) is not long from) return null;
            var start = (int)Math.Clamp(from, 0, text.Length);
            var most = text.Length - start;
            if (arguments.Count == 2) return text[start..];
            return arguments[2].Value(subject) is long count ? text.Substring(start, (int)Math.Clamp(count, 0, most)) : null;
        }
    }

    private bool TakeWord(string word)
    {
        if (Next.Kind != FilterTokenKind.Word || Next.Text != word) return false;
        _at++;
        return true;
    }

    private bool Take(string punctuation)
    {
        if (Next.Kind != FilterTokenKind.Punctuation || Next.Text != punctuation) return false;
        _at++;
        return true;
    }

    private void Expect(string punctuation)
    {
        if (!Take(punctuation)) throw Unexpected(Next);
    }

    private void Count()
    {
        if (++_clauses > MaxClauses) throw new FormatException($"The filter has more than {MaxClauses} clauses.");
    }

    private static FormatException Unexpected(FilterToken token) => new(token.Kind switch
    {
        FilterTokenKind.End => "The filter ends too early.",
        FilterTokenKind.Number => $"The filter has an unexpected {token.Number}.",
        _ => $"The filter has an unexpected '{token.Text}'.",
    });

    private sealed record Node(Kind Kind, Func<FilterSubject, object?> Value);
}
