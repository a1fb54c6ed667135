using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using CsCheck;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;

namespace Dequeue.Contracts.Tests.Streaming.Deltas;

public sealed class DeltaPropertyTests
{
    private const int Limit = 1024 * 1024;

    private static readonly Gen<string> Names = OneOf("", "a", "b", "c", "d", "\\u0061", "\\ud800", "\\\"", "é", "null", "a,b}", "\\\\", "id", "state");

    private static readonly Gen<string> Scalars = OneOf(
        "null", "true", "false", "0", "-0", "1", "1.0", "1e400", "12345678901234567890123456789", "\"\"", "\"x\"", "\"\\u0078\"", "\"\\udc00\\ud800\"",
        "\"é🙂\"", "\"\\\\\"", "\"\\\"}],{[:\"", "\"null\"", "\"a longer text that is worth a patch\"", "[]", "{}");

    private static readonly Gen<string> Values = Value(3);

    private static readonly Gen<string> Objects = Object(Values);

    // States of one shape with other values: what patches are made of. The rest has nothing in common.
    private static readonly Gen<string> States = Gen.Frequency(
        (6, Gen.Select(Values, Values, Objects, Gen.Bool, Gen.Bool).Select((first, second, inner, hasFirst, hasSecond)
            => $$"""{"id":"cjld2cjxh0000qzrmn831i7rn"{{(hasFirst ? $",\"first\":{first}" : "")}},"inner":{{inner}},"n":{"x":{{second}},"y":[1,null,{}]}{{(hasSecond ? $",\"second\":{second}" : "")}}}""")),
        (2, Objects),
        (1, Values));

    private static readonly Gen<string> Events = Gen.Select(
        Gen.Frequency((9, Gen.Const("task.updated")), (2, OneOf("task.x.y", "stack.created", "task", ".x", "t\\u0061sk.x", "\\ud800.x"))),
        Gen.Frequency((9, Gen.Const("task")), (2, OneOf("stack", "", "t\\u0061sk", "\\ud800"))),
        OneOf("\"1\"", "\"1\"", "\"1\"", "\"2\"", "\"\\u0031\"", "\"\"", "1"),
        Gen.Frequency((9, Gen.Const("fullState")), (3, OneOf("state", "full\\u0053tate"))),
        States,
        Gen.Int[0, 12]).Select((type, kind, id, name, state, shape) => shape switch
        {
            0 => $$$"""{"payload":{"{{{name}}}":{{{state}}},"{{{kind}}}Id":{{{id}}}},"x":[{"type":"y"}],"type":"{{{type}}}"}""",
            1 => $$$"""{"type":"{{{type}}}","payload":{"{{{kind}}}Id":{{{id}}},"{{{name}}}":{{{state}}},"state":{{{state}}}}}""",
            2 => $$$"""{"type":"{{{type}}}","payload":{"{{{kind}}}Id":{{{id}}},"{{{kind}}}Id":{{{id}}},"{{{name}}}":{{{state}}}}}""",
            3 => $$$"""{"type":"{{{type}}}","type":"task.x","payload":{"{{{kind}}}Id":{{{id}}},"{{{name}}}":{{{state}}}}}""",
            4 => state.StartsWith('{') ? state : "{}",
            _ => $$$"""{"id":"x","type":"{{{type}}}","payload":{"{{{kind}}}Id":{{{id}}},"changes":{{{state}}},"{{{name}}}":{{{state}}}},"payload_version":2}""",
        });

    private static readonly Gen<string[][]> Batches = Events.Array[0, 12].Array[1, 6];

    [Fact]
    public void Any_events_in_any_batches_come_back_to_the_byte_with_steps_begun_and_repeated_anywhere()
        => Gen.Select(Batches, Gen.Int[0, 5], Gen.Int[0, 5]).Sample((batches, step, sent) =>
        {
            var decoder = new DeltaDecoder(Limit);
            var reference = new Reference();
            step = Math.Min(step, batches.Length);
            sent = Math.Min(step + sent, batches.Length);
            Check(0..step);
            Check(step..sent);
            Check(step..batches.Length);

            void Check(Range window)
            {
                var encoder = new DeltaEncoder();
                for (var index = window.Start.Value; index < window.End.Value; index++)
                {
                    var batch = Wire.Send(encoder, index, batches[index]);
                    Assert.Equal(batches[index], Wire.Texts(decoder.Rebuild(batch, out _)));
                    Assert.Equal(batches[index], reference.Rebuild(batch));
                }
            }
        }, iter: 3000);

    [Fact]
    public void Whatever_a_batch_holds_the_decoder_does_not_throw_nor_make_more_than_its_bound()
        => Gen.Select(Events.Array[1, 12].Array[1, 3], Gen.Select(Gen.Int[0, 1 << 20], Gen.Byte).Array[0, 6], Gen.Int[0, 14].HashSet[0, 12]).Sample((batches, damage, places) =>
        {
            var decoder = new DeltaDecoder(5000);
            for (var index = 0; index < batches.Length; index++)
            {
                var events = batches[index].Select(json =>
                {
                    var bytes = Encoding.UTF8.GetBytes(json);
                    foreach (var (at, value) in damage) bytes[at % bytes.Length] = (byte)(value % 3 == 0 ? value : "\"\\{}[],:"u8[value % 8]);
                    return new SyncEvent(bytes, null, null, null, false);
                });
                var batch = new StreamMessage.Batch([.. events], index, false, null) { Deltas = [.. places.Order()] };
                if (decoder.Rebuild(batch, out var problem) is not { } rebuilt)
                {
                    Assert.NotNull(problem);
                    return;
                }

                Assert.InRange(batch.Deltas.Sum(place => rebuilt.Events[place].Json.Length), 0, 6000);
            }
        }, iter: 20_000);

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static Gen<string> Value(int depth)
        => depth == 0 ? Scalars : Gen.Frequency((4, Scalars), (1, Object(Value(depth - 1))), (1, Value(depth - 1).Array[0, 3].Select(values => $"[{string.Join(',', values)}]")));

    private static Gen<string> Object(Gen<string> values)
        => Gen.Select(Names, values).Array[0, 4].Select(members => $"{{{string.Join(',', members.Select(member => $"\"{member.Item1}\":{member.Item2}"))}}}");

    /// <summary>The rules of docs/protocol.md once more, as short as they can be put, on a JSON library.</summary>
    private sealed class Reference
    {
        private readonly Dictionary<(string, string), string> _states = [];

        public string[] Rebuild(StreamMessage.Batch batch)
        {
            if (batch.ForgetsStates) _states.Clear();
            return [.. Wire.Texts(batch).Select((json, place) =>
            {
                if (Find(json) is not { } found) return json;
                var state = batch.Deltas.Contains(place) ? Apply(_states[found.Entity], found.State) : found.State;
                _states[found.Entity] = state;
                return json[..found.At] + state + json[(found.At + found.State.Length)..];
            })];
        }

        private static ((string, string) Entity, string State, int At)? Find(string json)
        {
            var fields = Members(json);
            if (Once(fields, "type") is not ['"', .. var type, '"'] || Once(fields, "payload") is not ['{', ..] payload || type.IndexOf('.') is not (> 0 and var dot)) return null;
            var inner = Members(payload);
            if (inner.Count(m => m.Name == "state") > 1 || inner.Count(m => m.Name == "fullState") > 1) return null;
            if (Once(inner, type[..dot] + "Id") is not ['"', .. var id, '"']) return null;
            foreach (var name in new[] { "fullState", "state" })
            {
                if (Once(inner, name) is ['{', ..] state) return ((type[..dot], id), state, At(json, "payload", payload) + At(payload, name, state));
            }

            return null;
        }

        private static string? Once(List<(string Name, string Value)> members, string name)
            => members.Where(m => m.Name == name).Select(m => m.Value).ToArray() is [var only] ? only : null;

        // The members before it tell where a member's value begins.
        private static int At(string json, string name, string value)
        {
            var at = 1;
            foreach (var member in Members(json))
            {
                at += member.Name.Length + 3;
                if (member.Name == name && member.Value == value) return at;
                at += member.Value.Length + 1;
            }

            throw new InvalidOperationException("It was there before.");
        }

        private static string Apply(string origin, string patch)
        {
            var members = Members(origin);
            foreach (var (name, value) in Members(patch))
            {
                var at = members.FindIndex(m => m.Name == name);
                if (value == "null") members.RemoveAt(at);
                else if (at < 0) members.Add((name, value));
                else members[at] = (name, value[0] == '{' && members[at].Value[0] == '{' ? Apply(members[at].Value, value) : value);
            }

            return $"{{{string.Join(',', members.Select(m => $"\"{m.Name}\":{m.Value}"))}}}";
        }

        private static List<(string Name, string Value)> Members(string json)
        {
            using var document = JsonDocument.Parse(json);
            return [.. document.RootElement.EnumerateObject().Select(m =>
                (Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8PropertyName(m)), Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(m.Value))))];
        }
    }
}
