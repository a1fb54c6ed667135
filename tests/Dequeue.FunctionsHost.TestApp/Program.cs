using Dequeue.FunctionsHost.TestApp;

try
{
    await App.CreateBuilder(args).Build().RunAsync();
    return 0;
}
catch (SettingException wrong)
{
    await Console.Error.WriteLineAsync("Error: " + wrong.Message);
    return 1;
}
