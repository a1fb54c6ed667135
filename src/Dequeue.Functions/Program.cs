using Dequeue.Functions;
using Dequeue.Functions.Configuration;

try
{
    await SyncBackend.CreateBuilder(args).Build().RunAsync();
    return 0;
}
catch (SettingsException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 1;
}
