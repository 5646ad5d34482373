int group_policy(void);
int group_policy(void)
{
    return 0;
}
