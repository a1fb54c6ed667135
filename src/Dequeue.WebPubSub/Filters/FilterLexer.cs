using System.Globalization;
using System.Text;

namespace Dequeue.WebPubSub.Filters;

/// <summary>Kinds of tokens in a filter.</summary>
internal enum FilterTokenKind
{
    /// <summary>After the last token.</summary>
    End,

    /// <summary>A keyword, a property or a function.</summary>
    Word,

    /// <summary>A quoted text.</summary>
    Text,

    /// <summary>An integer.</summary>
    Number,

    /// <summary>A parenthesis or a comma.</summary>
    Punctuation,
}

/// <summary>One token; its text is unquoted.</summary>
internal readonly record struct FilterToken(FilterTokenKind Kind, string Text, long Number = 0);

/// <summary>Cuts a filter into tokens.</summary>
internal static class FilterLexer
{
    /// <summary>The tokens, ending with <see cref="FilterTokenKind.End"/>.</summary>
    /// <exception cref="FormatException">A character or a literal makes no sense.</exception>
    public static IEnumerable<FilterToken> Read(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var start = at;
            switch (text[at])
            {
                case var c when char.IsWhiteSpace(c):
                    at++;
                    continue;
                case '(' or ')' or ',':
                    yield return new FilterToken(FilterTokenKind.Punctuation, text[at++].ToString());
                    break;
                case '\'':
                    yield return new FilterToken(FilterTokenKind.Text, Quoted(text, ref at));
                    break;
                case var c when char.IsAsciiDigit(c) || c == '-':
                    for (at++; at < text.Length && char.IsAsciiDigit(text[at]);) at++;
                    if (!long.TryParse(text.AsSpan(start, at - start), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
                    {
                        throw new FormatException($"The filter has a bad number at position {start}.");
                    }

                    yield return new FilterToken(FilterTokenKind.Number, "", number);
                    break;
                case var c when char.IsAsciiLetter(c):
                    while (at < text.Length && char.IsAsciiLetterOrDigit(text[at])) at++;
                    yield return new FilterToken(FilterTokenKind.Word, text[start..at]);
                    break;
                default:
                    throw new FormatException($"The filter has an unexpected character at position {start}.");
            }
        }

        yield return new FilterToken(FilterTokenKind.End, "");
    }

    private static string Quoted(string text, ref int at)
    {
        var value = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] != '\'')
            {
                value.Append(text[at]);
            }
            else if (at + 1 < text.Length && text[at + 1] == '\'')
            {
                value.Append('\'');
                at++;
            }
            else
            {
                at++;
                return value.ToString();
            }
        }

        throw new FormatException("The filter has a text that does not end.");
    }
}
