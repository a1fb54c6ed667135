using System.Text;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Tests.Events;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData("a\\u0062c", "abc")]
    [InlineData("\\n\\\"", "\n\"")]
    [InlineData("\\ud83d\\ude00", "😀")]
    [InlineData("\\ud83d", null)] // half a pair
    [InlineData("\\u{", null)]
    [InlineData("\\x", null)]
    [InlineData("a\\", null)]
    [InlineData("\\u00", null)]
    public void An_escaped_text_is_what_it_means_and_nothing_when_it_means_nothing(string raw, string? text)
    {
        Assert.Equal(text, new JsonText(Encoding.UTF8.GetBytes(raw), isEscaped: true).GetString());
        Assert.Equal(text is not null, new JsonText(Encoding.UTF8.GetBytes(raw), isEscaped: true).Equals(Encoding.UTF8.GetBytes(text ?? raw)));
    }
}
