using System.Text.Json;
using Dequeue.Functions.Configuration;
using Microsoft.Extensions.Configuration;

namespace Dequeue.EndToEnd.Tests.Operation;

public sealed class SettingsTests
{
    private static readonly Dictionary<string, string?> Azure = new()
    {
        ["EventLog:Storage"] = "https://account.table.core.windows.net",
        ["WebPubSub:Endpoint"] = "https://wps.webpubsub.azure.com",
        ["WebPubSub:EventAudience"] = "https://webpubsub.azure.com",
        ["WebPubSub:EventObjectId"] = "a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf",
        ["WebPubSub:TenantId"] = "0f0e0d0c-0b0a-0908-0706-050403020100",
        ["Auth:Authority"] = "https://issuer.example",
        ["Auth:Audience"] = "api",
    };

    [Fact]
    public void The_settings_of_the_deployment_are_read()
    {
        var settings = Read(Azure);
        Assert.Equal("https://login.microsoftonline.com/0f0e0d0c-0b0a-0908-0706-050403020100/v2.0", settings.WebPubSub.Identity?.Authority.AbsoluteUri);
        Assert.Empty(settings.WebPubSub.AccessKeys);
        Assert.Equal(20, settings.StreamsPerUser);
        Assert.Equal("app", settings.Auth.AppClaim);
        Assert.Equal(new ReferenceSettings(null, 20_000_000, TimeSpan.FromMinutes(15)), settings.References);
    }

    [Fact]
    public void References_begin_at_any_size_and_last_as_long_as_is_set()
    {
        var settings = Read(new Dictionary<string, string?>(Azure)
        {
            ["References:Storage"] = "https://account.blob.core.windows.net", ["References:FromMegabytes"] = "0.5", ["References:UrlMinutes"] = "60",
        });
        Assert.Equal(new ReferenceSettings("https://account.blob.core.windows.net", 500_000, TimeSpan.FromHours(1)), settings.References);
        Assert.Equal(0, Read(new Dictionary<string, string?>(Azure) { ["References:FromMegabytes"] = "0" }).References.FromBytes);
    }

    [Theory]
    [InlineData("WebPubSub:EventAudience", null, "WebPubSub__EventAudience")]
    [InlineData("WebPubSub:EventAudience", "", "WebPubSub__EventAudience")]
    [InlineData("WebPubSub:EventObjectId", null, "WebPubSub__EventObjectId")]
    [InlineData("WebPubSub:EventObjectId", "me", "WebPubSub__EventObjectId")]
    [InlineData("WebPubSub:TenantId", null, "WebPubSub__TenantId")]
    [InlineData("WebPubSub:EventAuthority", "http://login.example", "WebPubSub__EventAuthority")]
    [InlineData("WebPubSub:Endpoint", "http://wps.example", "WebPubSub__Endpoint")]
    [InlineData("WebPubSub:Endpoint", null, "WebPubSubConnectionString")]
    [InlineData("WebPubSubConnectionString", "Endpoint=https://x;AccessKey=secret-key;", "WebPubSub__EventAudience")]
    [InlineData("EventLog:Storage", "", "EventLog__Storage")]
    [InlineData("Auth:Audience", null, "Auth__Audience")]
    [InlineData("Auth:Authority", "http://issuer.example", "Auth__Authority")]
    [InlineData("Auth:Authority", null, "Auth__Authority")]
    [InlineData("Limits:StreamsPerUser", "0", "Limits__StreamsPerUser")]
    [InlineData("Limits:CallsPerSecond", "many", "Limits__CallsPerSecond")]
    [InlineData("Cors:Origins", "https://app.example/", "Cors__Origins")]
    [InlineData("Cors:Origins", "https://app.example,app.example", "Cors__Origins")]
    [InlineData("Limits:AckSeconds", "0", "Limits__AckSeconds")]
    [InlineData("Limits:AckSeconds", "301", "Limits__AckSeconds")]
    [InlineData("Limits:BodyMegabytes", "15", "Limits__BodyMegabytes")]
    [InlineData("Limits:PageMegabytes", "65537", "Limits__PageMegabytes")]
    [InlineData("References:FromMegabytes", "-1", "References__FromMegabytes")]
    [InlineData("References:FromMegabytes", "1e9", "References__FromMegabytes")]
    [InlineData("References:UrlMinutes", "0", "References__UrlMinutes")]
    [InlineData("References:UrlMinutes", "61", "References__UrlMinutes")]
    [InlineData("References:UrlMinutes", "soon", "References__UrlMinutes")]
    [InlineData("Sync:Apps", "a b", "Sync__Apps")]
    public void A_wrong_or_missing_one_is_named_in_one_sentence_without_its_value(string key, string? value, string named)
    {
        var wrong = Assert.Throws<SettingsException>(() => Read(new Dictionary<string, string?>(Azure) { [key] = value }));
        Assert.Contains(named, wrong.Message);
        Assert.DoesNotContain("secret-key", wrong.Message);
        Assert.DoesNotContain('\n', wrong.Message);
    }

    [Fact]
    public void A_wrong_storage_of_references_stops_the_start_with_one_sentence_that_does_not_quote_it()
    {
        var settings = new Dictionary<string, string?>(Azure) { ["References:Storage"] = "https://account.blob.core.windows.net/?sig=secret-key" };
        var wrong = Assert.Throws<SettingsException>(() => Functions.SyncBackend.CreateBuilder([], settings));
        Assert.StartsWith("References__Storage ", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-key", wrong.Message);
    }

    [Fact]
    public void Development_keys_are_accepted_in_Development_alone()
    {
        var settings = new Dictionary<string, string?>(Azure) { ["Auth:Authority"] = null, ["Auth:DevSigningKey"] = new string('k', 32) };
        Assert.NotNull(Read(settings).Auth.DevSigningKey);
        Assert.NotNull(Read(settings, "development").Auth.DevSigningKey);
        foreach (var environment in new[] { "Production", "Prod", "Staging", "Test", "Dev", "Development ", "" })
        {
            Assert.Contains("Auth__DevSigningKey", Assert.Throws<SettingsException>(() => Read(settings, environment)).Message);
            if (environment.Length == 0) continue;
            settings["AZURE_FUNCTIONS_ENVIRONMENT"] = environment;
            Assert.Contains("Auth__DevSigningKey", Assert.Throws<SettingsException>(() => Read(settings)).Message);
            settings.Remove("AZURE_FUNCTIONS_ENVIRONMENT");
        }
    }

    [Fact]
    public void The_sample_settings_are_accepted_and_name_every_setting()
    {
        using var sample = JsonDocument.Parse(File.ReadAllBytes(Repository.File("local.settings.sample.json")));
        var values = sample.RootElement.GetProperty("Values").EnumerateObject()
            .ToDictionary(value => value.Name.Replace("__", ":", StringComparison.Ordinal), value => value.Value.GetString());
        var settings = Read(values);
        Assert.Equal("localhost", settings.WebPubSub.Endpoint.Host);
        Assert.NotNull(settings.Auth.DevSigningKey);
        Assert.All(Azure.Keys, key => Assert.Contains(key, values.Keys));
    }

    private static BackendSettings Read(Dictionary<string, string?> settings, string environment = "Development")
        => BackendSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), environment);
}
